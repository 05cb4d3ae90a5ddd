// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"crypto/sha1"
	"maps"
	"slices"
)

// setKey tells parameter sets apart. One with another content takes the place of that with the
// same key.
type setKey struct {
	// level is videoSet, sequenceSet or pictureSet.
	level uint8
	id    uint32
}

// The levels of parameter sets. A set refers to one of the level above.
const (
	videoSet uint8 = iota
	sequenceSet
	pictureSet
)

// decoderSets are the parameter sets that a decoder knows which plays what is recorded: those
// of the sample entry, and those in samples since.
type decoderSets struct {
	// known are digests of them; nil before there is a sample entry.
	known map[setKey][sha1.Size]byte
	// unsent are those that have come since the last sample and were new.
	unsent []setKey
}

// changed notes that a set has come whose content is new.
func (d *decoderSets) changed(key setKey) {
	if d.known != nil && !slices.Contains(d.unsent, key) {
		d.unsent = append(d.unsent, key)
	}
}

// begin begins with a sample entry, which has these sets.
func (d *decoderSets) begin(sets map[setKey][]byte) {
	d.known = map[setKey][sha1.Size]byte{}
	for key, set := range sets {
		d.known[key] = sha1.Sum(set)
	}
}

// needs tells whether a decoder has to be given a set, and takes it for given. What refers to
// it, it has to be given again then: some decoders look at the reference when they are.
func (d *decoderSets) needs(key setKey, set []byte) bool {
	digest := sha1.Sum(set)
	if d.known[key] == digest {
		return false
	}
	if d.known != nil {
		maps.DeleteFunc(d.known, func(other setKey, _ [sha1.Size]byte) bool { return other.level > key.level })
		d.known[key] = digest
	}
	return true
}

// missing returns the sets that have come in no sample, and are not in this one either, given
// its NAL units: some cameras send them with a time stamp of their own.
func (d *decoderSets) missing(latest func(setKey) []byte, units [][]byte) (sets [][]byte) {
	slices.SortFunc(d.unsent, func(a, b setKey) int { return int(a.level) - int(b.level) })
	for _, key := range d.unsent {
		set := latest(key)
		isHere := slices.ContainsFunc(units, func(unit []byte) bool { return bytes.Equal(unit, set) })
		if !isHere && len(set) <= maxParameterSetBytes && d.needs(key, set) {
			sets = append(sets, set)
		}
	}
	d.unsent = d.unsent[:0]
	return sets
}
