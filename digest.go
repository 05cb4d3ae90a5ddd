// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"hash"

	"lukechampine.com/blake3"
)

const (
	// MinBLAKE3Bytes is how much of a BLAKE3 digest says something.
	MinBLAKE3Bytes = 16
	// MaxBLAKE3Bytes is the length of a whole one.
	MaxBLAKE3Bytes = 32
)

// SampleFileDigest computes the digests of a sample file while it is written or read, in
// one pass. It is not safe for concurrent use.
type SampleFileDigest struct {
	sha1, sha256 hash.Hash
	// blake3 is nil unless the recording has such a digest.
	blake3 hash.Hash
}

// NewSampleFileDigest returns the digest of an empty file.
func NewSampleFileDigest() *SampleFileDigest {
	return &SampleFileDigest{sha1: sha1.New(), sha256: sha256.New()}
}

// NewSampleFileDigestOf returns a digest to compare with those of a recording; see Differs.
func NewSampleFileDigestOf(r *Recording) *SampleFileDigest {
	d := NewSampleFileDigest()
	if r.SampleFileBLAKE3 != nil {
		d.blake3 = blake3.New(MaxBLAKE3Bytes, nil)
	}
	return d
}

// Write implements io.Writer. It never fails.
func (d *SampleFileDigest) Write(p []byte) (int, error) {
	_, _ = d.sha1.Write(p) // a hash never fails
	if d.blake3 != nil {
		_, _ = d.blake3.Write(p)
	}
	return d.sha256.Write(p)
}

// Fill sets the SHA-1 and SHA-256 of a recording whose sample file has what was written so
// far.
func (d *SampleFileDigest) Fill(r *Recording) {
	d.sha1.Sum(r.SampleFileSHA1[:0])
	d.sha256.Sum(r.SampleFileSHA256[:0])
}

// Differs names a digest that the recording has and that is not the one of what was written
// so far, such as "SHA-256"; it is empty if there is none. A recording that has no digest
// differs from nothing.
func (d *SampleFileDigest) Differs(r *Recording) string {
	var found Recording
	d.Fill(&found)
	switch {
	case r.HasSHA256() && found.SampleFileSHA256 != r.SampleFileSHA256:
		return "SHA-256"
	case r.HasSHA1() && found.SampleFileSHA1 != r.SampleFileSHA1:
		return "SHA-1"
	case r.SampleFileBLAKE3 != nil && d.blake3 != nil && !bytes.HasPrefix(d.blake3.Sum(nil), r.SampleFileBLAKE3):
		return "BLAKE3"
	}
	return ""
}

// HasSHA256 tells whether the recording was made by a version that computed it, or was read
// when it was taken over.
func (r *Recording) HasSHA256() bool { return r.SampleFileSHA256 != [sha256.Size]byte{} }

// HasSHA1 tells whether somebody has computed it; see SampleFileSHA1.
func (r *Recording) HasSHA1() bool { return r.SampleFileSHA1 != [sha1.Size]byte{} }
