// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import "fmt"

// Tier is the next place of a stream's footage: recordings move there once they are old
// enough. It has a quota of its own; that of the stream is for the others.
type Tier struct {
	Stream StreamID
	// SampleDir is where recordings move to.
	SampleDir SampleDirID
	// After90k is how long after its end a recording moves.
	After90k    Duration90k
	RetainBytes int64
	// Last is the recording up to which those of the stream belong to this place, by their
	// ids: they have moved, or could not, since they are damaged. 0 if none has.
	Last RecordingID
	// SampleFileBytes is the sum over those recordings.
	SampleFileBytes int64
}

// MaxTierAfter90k bounds Tier.After90k: a hundred years.
const MaxTierAfter90k = MaxRetainFor90k

// SameSettings tells whether two tiers are the same but for how much has moved; nil stands for
// none.
func (t *Tier) SameSettings(other *Tier) bool {
	if t == nil || other == nil {
		return t == other
	}
	return t.SampleDir == other.SampleDir && t.After90k == other.After90k && t.RetainBytes == other.RetainBytes
}

// Problem says what of the tier cannot have been configured, like that of a Summary.
func (t *Tier) Problem() string {
	switch {
	case t.After90k < 0 || t.After90k > MaxTierAfter90k:
		return fmt.Sprintf("footage moves after %d/90000 s", t.After90k)
	case t.RetainBytes < 0:
		return fmt.Sprintf("its quota is %d bytes", t.RetainBytes)
	case t.Last < 0 || t.SampleFileBytes < 0:
		return fmt.Sprintf("its total is %d bytes, up to recording %d", t.SampleFileBytes, t.Last)
	}
	return ""
}
