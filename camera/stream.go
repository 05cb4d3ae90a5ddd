// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/rtp"
)

// codec is what is particular to a video codec. It holds the latest parameter
// sets of a stream by their ids. It does not keep the memory that it is given.
type codec interface {
	// split appends the NAL units of what a packet has for one.
	split(units [][]byte, packed []byte) [][]byte
	// appendUnit appends a NAL unit in the form of a sample.
	appendUnit(sample, unit []byte) []byte
	// setsInSamples tells whether sync samples have their parameter sets in them in any
	// case.
	setsInSamples() bool
	// setKey tells which parameter set a NAL unit is; false if it is none, or none that can
	// be read.
	setKey(unit []byte) (key setKey, ok bool)
	// set returns the latest parameter set of a key; nil if there is none.
	set(key setKey) []byte
	// learnUnit takes over a parameter set, and tells whether its content is new; it ignores
	// other NAL units, and sets that it cannot read: a sync picture that needs one will not
	// find it.
	learnUnit(unit []byte) (isNew bool)
	// isSlice tells whether a NAL unit is a slice of a picture that is recorded.
	isSlice(unit []byte) bool
	// beginsPicture tells whether it is the first slice of such a picture.
	beginsPicture(unit []byte) bool
	// framesOnly tells whether each picture is a whole frame, so that two in one
	// access unit are not the fields of one.
	framesOnly() bool
	// isSync tells whether the picture of a slice is one to start decoding at.
	isSync(slice []byte) bool
	// recoveryPoint tells whether an access unit is a recovery point, and after how many
	// more of them pictures are complete.
	recoveryPoint(units [][]byte) (distance int16, ok bool)
	// parameterSets returns the sets that belong in the sample entry of a sync
	// picture or a recovery point, given a slice of it, always in the same order; or nil if one that
	// the slice refers to has not been seen.
	parameterSets(slice []byte) [][]byte
	// sampleEntry makes a sample entry of what parameterSets has returned. inBand says
	// that there are such sets in the samples as well.
	sampleEntry(sets [][]byte, inBand bool) (*moonfirefs.VideoSampleEntry, error)
	// decodable tells whether the pictures that a picture depends on are in the
	// recordings as well, given the NAL units of its access unit. It is asked
	// once for each picture from the first sync picture on.
	decodable(slice []byte, units [][]byte) bool
	// order tells where a picture belongs in output order, given its slices. It
	// is asked after sampleEntry for the sets that are in force.
	order(slices [][]byte) Order
	// role says what becomes of a NAL unit.
	role(unit []byte) role
}

// role is what becomes of a NAL unit.
type role int

const (
	// kept units are part of the sample.
	kept role = iota
	// dropped units are not.
	dropped
	// keptUnlessKnown is for parameter sets: one that a decoder does not know by then is in
	// a sample, and the latest ones are in the sample entry of the next sync picture.
	keptUnlessKnown
)

// stream turns the access units of a video stream into samples, and keeps track
// of the sample entry in force.
type stream struct {
	codec
	// entry is the sample entry of the latest sync picture, made of entrySets;
	// nil before the first one. own is what it is if recovery points are not used.
	entry, own *moonfirefs.VideoSampleEntry
	entrySets  [][]byte
	// recovery decides whether a recovery point is as good as a sync picture.
	recovery *recovery
	// keyFrame is when the latest sync picture arrived, or at first the first access unit.
	keyFrame time.Time
	// alternation decides whether a change of the configuration makes a new sample entry.
	alternation *alternation
	// decoder has the parameter sets that need not be in samples.
	decoder decoderSets
	// inBand says that it does not: sync samples have their parameter sets in them.
	inBand bool
	// arrived is when the access unit came whose pictures are converted.
	arrived time.Time
	// units is memory for the NAL units of an access unit.
	units [][]byte
}

func newStream(c codec) *stream {
	return &stream{codec: c, alternation: &alternation{}, recovery: &recovery{}}
}

// maxParameterSetBytes is what the 16-bit length of a parameter set in "avcC" and
// "hvcC" can say (ISO 14496-15 §5.3.3.1.2).
const maxParameterSetBytes = 1<<16 - 1

// maxSetsBytes bounds the parameter sets that are kept of a stream: those of all ids
// together, with those of the sample entry in force.
const maxSetsBytes = 5 << 19

// setBudget counts the bytes of the parameter sets that are kept.
type setBudget int

// replace tells whether a set may take the place of another, which may be nil.
func (b *setBudget) replace(old, set []byte) bool {
	after := int(*b) - len(old) + len(set)
	if after > maxSetsBytes/2 {
		return false
	}
	*b = setBudget(after)
	return true
}

// maxUnits bounds the NAL units of an access unit. Each takes much more memory than
// the few bytes that it needs to have.
const maxUnits = rtp.MaxUnits

// learn takes over the parameter sets among some NAL units: those of an access
// unit, or of the session description.
func (s *stream) learn(units [][]byte) {
	for _, unit := range units {
		// No more of it than shows that it is too long for a sample entry: there
		// are hundreds of ids, and a camera must not fill the memory.
		if unit = unit[:min(len(unit), maxParameterSetBytes+1)]; s.learnUnit(unit) {
			if key, ok := s.setKey(unit); ok {
				s.decoder.changed(key)
			}
		}
	}
}

// samples converts the NAL units of an access unit: into one frame, as a rule. Cameras that give two
// pictures one time stamp, or glue access units together, are given what they mean.
func (s *stream) samples(packed [][]byte) (frames []Frame, err error) {
	s.units = s.units[:0]
	for _, unit := range packed {
		if s.units = s.split(s.units, unit); len(s.units) > maxUnits {
			return nil, fmt.Errorf("an access unit has more than %d NAL units", maxUnits)
		}
	}
	units := s.units
	if s.entry == nil {
		s.learn(units) // to know whether two pictures are two fields
	}
	for len(units) > 0 {
		n := s.firstPicture(units)
		f, err := s.sample(units[:n])
		if err != nil {
			return nil, err
		}
		if f.Data != nil {
			frames = append(frames, f)
		}
		units = units[n:]
	}
	return frames, nil
}

// firstPicture returns how many of the NAL units of an access unit belong to its
// first picture. What lies between two pictures belongs to the second one.
func (s *stream) firstPicture(units [][]byte) int {
	slices, next := 0, 0 // slices so far, and where the last one ends
	for i, unit := range units {
		if !s.isSlice(unit) {
			continue
		}
		if slices > 0 && s.beginsPicture(unit) && s.framesOnly() {
			return next
		}
		slices, next = slices+1, i+1
	}
	return len(units)
}

// sample converts the NAL units of a picture into the data, the order and the kind of a Frame.
// It returns no data for one without a slice,
// or that cannot be decoded: a sync picture whose parameter sets have not been
// seen, or one that depends on pictures from before the first sync picture.
func (s *stream) sample(units [][]byte) (f Frame, err error) {
	s.learn(units)
	first := slices.IndexFunc(units, s.isSlice)
	if first < 0 {
		return Frame{}, nil
	}
	if f.Sync = s.canStart(units[first], units); f.Sync {
		known, err := s.activate(units[first])
		if err != nil || !known {
			return Frame{}, err
		}
	}
	if s.entry != nil && !s.decodable(units[first], units) {
		return Frame{}, nil
	}
	f.Entry = s.entry
	f.Order = s.order(slices.DeleteFunc(slices.Clone(units), func(unit []byte) bool { return !s.isSlice(unit) }))
	var sets [][]byte
	if f.Sync && (s.inBand || s.setsInSamples()) {
		sets = s.entrySets
	}
	if s.entry != nil {
		sets = append(slices.Clip(sets), s.decoder.missing(s.set, units)...)
	}
	f.Data = make([]byte, 0, sampleSize(sets)+sampleSize(units))
	for _, set := range sets {
		f.Data = s.appendUnit(f.Data, set)
	}
	for _, unit := range units {
		if s.keeps(unit) {
			f.Data = s.appendUnit(f.Data, unit)
		}
	}
	return f, nil
}

// sampleSize is what a sample of all the NAL units takes.
func sampleSize(units [][]byte) (size int) {
	for _, unit := range units {
		size += lengthSize + len(unit)
	}
	return size
}

// keeps tells whether a NAL unit belongs in the sample.
func (s *stream) keeps(unit []byte) bool {
	switch s.role(unit) {
	case dropped:
		return false
	case keptUnlessKnown:
		key, ok := s.setKey(unit)
		return ok && s.decoder.needs(key, unit)
	}
	return true
}

// canStart tells whether decoding can start at a picture, given its first slice and the NAL
// units of its access unit: at a sync picture, or at a recovery point where those are used.
func (s *stream) canStart(slice []byte, units [][]byte) bool {
	if s.keyFrame.IsZero() {
		s.keyFrame = s.arrived
	}
	if s.isSync(slice) {
		s.recovery.keyFrame(s.keyFrame, s.arrived)
		s.keyFrame = s.arrived
		return true
	}
	distance, ok := s.recoveryPoint(units)
	return ok && s.recovery.accepts(distance, s.keyFrame, s.arrived)
}

// activate makes the parameter sets that a slice of a sync picture refers to the
// ones in force. If they differ from those of the sample entry, a new one takes
// its place, as a rule. It reports false if the sets are not known.
func (s *stream) activate(slice []byte) (known bool, err error) {
	if s.entry == nil && !s.beginsPicture(slice) {
		return false, nil // we joined in the middle of this picture
	}
	sets := s.parameterSets(slice)
	if sets == nil {
		return false, nil
	}
	if slices.EqualFunc(sets, s.entrySets, bytes.Equal) {
		if s.entry = s.recovery.entry(s.own); s.inBand {
			s.restartDecoder()
		}
		return true, nil
	}
	entry, err := s.sampleEntry(sets, false)
	if err != nil {
		return false, err
	}
	if problem := entry.Problem(); problem != "" {
		return false, fmt.Errorf("configuration of the codec: %s", problem)
	}
	s.own, s.inBand, err = s.alternation.choose(entry, s.arrived, func() (*moonfirefs.VideoSampleEntry, error) {
		return s.sampleEntry(sets, true)
	})
	if err != nil {
		return false, err
	}
	s.entry, s.entrySets = s.recovery.entry(s.own), sets
	s.restartDecoder()
	return true, nil
}

// restartDecoder says that a decoder knows the sets of the sample entry and no others.
func (s *stream) restartDecoder() {
	sets := map[setKey][]byte{}
	for _, set := range s.entrySets {
		if key, ok := s.setKey(set); ok {
			sets[key] = set
		}
	}
	s.decoder.begin(sets)
}
