// SPDX-License-Identifier: GPL-3.0-or-later

package proof

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/moonfirefs/moonfirefs"
)

// pieceBytes is how much of a sample file is read at a time: with 2 Mbit/s, half a second of
// the camera. Nothing larger is held, however large a sample is.
const pieceBytes = 128 << 10

// DigestGroups makes Groups of a whole recording. contents has what its sample file has, and
// is read in pieces of 128 KiB, which are not those of the samples; what follows the last
// sample may be read or not. The error wraps ErrIndexes where the tables of the recording
// contradict it, and is that of contents, io.ErrUnexpectedEOF if it ends early.
func DigestGroups(r *moonfirefs.Recording, contents io.Reader) (*Groups, error) {
	if problem := r.IndexProblem(); problem != "" {
		return nil, fmt.Errorf("%w: %s", ErrIndexes, problem)
	}
	d := digester{contents: bufio.NewReaderSize(contents, pieceBytes), sample: sha256.New()}
	for p := range Places(r) {
		if err := d.add(&p); err != nil {
			return nil, err
		}
	}
	d.video.end()
	d.audio.end()
	return &Groups{Video: d.video.digests, Audio: d.audio.digests}, nil
}

// digester makes the digests of groups of their samples, in the order of Places. What it
// hashes and sums up with is its own, so that a sample costs no memory.
type digester struct {
	contents     *bufio.Reader
	sample       hash.Hash
	header       [10]byte
	digest       []byte
	video, audio groupDigester
}

// add reads the next sample, and adds its hash to its group.
func (d *digester) add(p *Place) error {
	d.sample.Reset()
	d.header = p.header
	_, _ = d.sample.Write(d.header[:]) // never fails
	for left := int(p.Bytes); left > 0; {
		if _, err := d.contents.Peek(1); err != nil { // reads the next piece if there is none
			return ended(err)
		}
		piece, _ := d.contents.Peek(min(left, d.contents.Buffered())) // is there
		_, _ = d.sample.Write(piece)                                  // never fails
		left -= len(piece)
		_, _ = d.contents.Discard(len(piece)) // likewise
	}
	d.digest = d.sample.Sum(d.digest[:0])
	if p.Audio {
		d.audio.add(p.Group, d.digest)
	} else {
		d.video.add(p.Group, d.digest)
	}
	return nil
}

func ended(err error) error {
	if err == io.EOF { //nolint:errorlint // an io.Reader returns it as it is
		return io.ErrUnexpectedEOF
	}
	return err
}

// groupDigester makes the digests of groups, one after another. Its zero value has none.
type groupDigester struct {
	digests []Digest
	// hash is that of the group under way, and group its number.
	hash  hash.Hash
	begun bool
	group int
}

// add adds the hash of a sample to the group that it belongs to.
func (g *groupDigester) add(group int, sample []byte) {
	if group != g.group {
		g.end()
	}
	if g.hash == nil {
		g.hash = sha256.New()
	}
	g.begun, g.group = true, group
	_, _ = g.hash.Write(sample) // never fails
}

// end ends the group under way, if there is one.
func (g *groupDigester) end() {
	if !g.begun {
		return
	}
	g.digests = append(g.digests, Digest{})
	g.hash.Sum(g.digests[len(g.digests)-1][:0])
	g.hash.Reset()
	g.begun = false
}
