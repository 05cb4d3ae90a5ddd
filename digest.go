// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"crypto/sha1"
	"crypto/sha256"
	"hash"
)

// SampleFileDigest computes the digests of a sample file while it is written, in one
// pass. It is not safe for concurrent use.
type SampleFileDigest struct{ sha1, sha256 hash.Hash }

// NewSampleFileDigest returns the digest of an empty file.
func NewSampleFileDigest() *SampleFileDigest {
	return &SampleFileDigest{sha1: sha1.New(), sha256: sha256.New()}
}

// Write implements io.Writer. It never fails.
func (d *SampleFileDigest) Write(p []byte) (int, error) {
	_, _ = d.sha1.Write(p) // a hash never fails
	return d.sha256.Write(p)
}

// Fill sets the digests of a recording whose sample file has what was written so far.
func (d *SampleFileDigest) Fill(r *Recording) {
	d.sha1.Sum(r.SampleFileSHA1[:0])
	d.sha256.Sum(r.SampleFileSHA256[:0])
}

// HasSHA256 tells whether the recording was made by a version that computed it.
func (r *Recording) HasSHA256() bool { return r.SampleFileSHA256 != [sha256.Size]byte{} }
