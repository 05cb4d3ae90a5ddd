// SPDX-License-Identifier: GPL-3.0-or-later

package verify

import (
	"crypto/sha256"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/proof"
)

// group is a group of pictures, or a chunk of audio.
type group struct {
	// begin90k and end90k are when, after the start of the recording.
	begin90k, end90k moonfirefs.Duration90k
	// places are its samples, and lacking the digests of those that the file should not
	// have, by their offset in the sample file.
	places  []*proof.Place
	lacking map[int64]proof.Digest
	signed  proof.Digest
	// present says that the file should have some of it; changed, that what it has there
	// is not as it was signed.
	present, changed bool
}

// groups are those of a recording.
type groups struct{ video, audio []group }

// groupsOf finds the groups of recording i, and of which the file should have something.
func (c *comparison) groupsOf(i int) (*groups, error) {
	p, all := &c.recordings[i], new(groups)
	in := func(place *proof.Place) bool {
		_, there := fileOffset(c.extents[i], place)
		return there
	}
	for place := range proof.Places(p.Recording) {
		g := all.of(&place)
		g.places = append(g.places, &place)
		g.present = g.present || in(&place)
	}
	lacking := proof.Lacking(p.Recording, in)
	if len(p.Missing) != sha256.Size*len(lacking) || len(p.Groups) != sha256.Size*(len(all.video)+len(all.audio)) {
		return nil, fmt.Errorf("%w: it does not have the digests that are needed", proof.ErrDocument)
	}
	for k, place := range lacking {
		g := all.of(place)
		if g.lacking == nil {
			g.lacking = make(map[int64]proof.Digest)
		}
		g.lacking[place.Offset] = proof.Digest(p.Missing[sha256.Size*k:][:sha256.Size])
	}
	all.fill(p)
	return all, nil
}

// of is the group that a sample belongs to, a new one if need be.
func (g *groups) of(p *proof.Place) *group {
	list := &g.video
	if p.Audio {
		list = &g.audio
	}
	for len(*list) <= p.Group {
		*list = append(*list, group{begin90k: p.Offset90k})
	}
	return &(*list)[p.Group]
}

// fill sets what was signed, and when groups end.
func (g *groups) fill(p *proof.Proven) {
	signed := p.Groups
	for _, all := range [][]group{g.video, g.audio} {
		for i := range all {
			all[i].signed, signed = proof.Digest(signed[:sha256.Size]), signed[sha256.Size:]
			all[i].end90k = p.Leaf.Duration90k
			if i+1 < len(all) {
				all[i].end90k = all[i+1].begin90k
			}
		}
	}
}

// digest is that of a group. read fills data with the bytes of a sample that the file
// should have, and tells whether it has them.
func (g *group) digest(read func(p *proof.Place, data []byte) (bool, error)) (proof.Digest, error) {
	hash := sha256.New()
	var buffer []byte
	for _, p := range g.places {
		digest, known := g.lacking[p.Offset]
		if !known {
			if int(p.Bytes) > len(buffer) {
				buffer = make([]byte, p.Bytes)
			}
			if whole, err := read(p, buffer[:p.Bytes]); err != nil || !whole {
				return proof.Digest{}, err
			}
			digest = p.Hash(buffer[:p.Bytes])
		}
		_, _ = hash.Write(digest[:]) // never fails
	}
	return proof.Digest(hash.Sum(nil)), nil
}

// there lists the samples that the file should have.
func (g *group) there() (places []*proof.Place) {
	for _, p := range g.places {
		if _, lacking := g.lacking[p.Offset]; !lacking {
			places = append(places, p)
		}
	}
	return places
}
