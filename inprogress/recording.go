// SPDX-License-Identifier: GPL-3.0-or-later

package inprogress

import (
	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/journal"
)

// Recording is a recording in progress, as far as it was whole at a moment. It is
// immutable.
type Recording struct {
	// Recording is what a row would say, without ids, digest, and flags that a row has
	// for reasons of its own.
	moonfirefs.Recording
	Entry *moonfirefs.VideoSampleEntry
	// AudioEntry is nil if there is no audio.
	AudioEntry *moonfirefs.AudioSampleEntry

	journal *journal.Journal
	pieces  []journal.Piece
}

// Mark names a recording as it was at a moment.
type Mark struct {
	File     moonfirefs.SampleFile
	Start90k moonfirefs.Time90k
	// Pieces counts the samples of the video and the chunks of audio.
	Pieces int
}

// newRecording makes the recording of pieces that are whole; nil if that is none, or none
// that can be shown.
func newRecording(file moonfirefs.SampleFile, j *journal.Journal, pieces []journal.Piece) *Recording {
	if len(pieces) == 0 || j.Entry.Problem() != "" {
		return nil
	}
	r := &Recording{
		Recording: moonfirefs.Recording{
			Summary: moonfirefs.Summary{Start90k: j.Start90k, RunOffset: j.RunOffset},
			Stream:  j.Stream, SampleDir: file.Dir, Open: j.Open,
			LocalTimeDelta90k: j.LocalTimeDelta90k, SampleFile: file.UUID,
		},
		Entry: j.Entry, journal: j, pieces: pieces,
	}
	journal.TableOf(pieces).Fill(&r.Recording)
	if r.Audio.Samples > 0 {
		if r.AudioEntry = j.AudioEntry; r.AudioEntry.Problem() != "" {
			return nil
		}
	}
	if r.Summary.Problem() != "" {
		return nil
	}
	return r
}

// File is where its samples are.
func (r *Recording) File() moonfirefs.SampleFile {
	return moonfirefs.SampleFile{UUID: r.SampleFile, Dir: r.SampleDir}
}

// Mark is where the recording can be found again as it is.
func (r *Recording) Mark() Mark { return Mark{r.File(), r.Start90k, len(r.pieces)} }

// at is the recording as it was at a mark; nil if it has less.
func (r *Recording) at(m Mark) *Recording {
	if r == nil || len(r.pieces) < m.Pieces {
		return nil
	}
	then := *r.journal
	then.Start90k = m.Start90k
	return newRecording(m.File, &then, r.pieces[:m.Pieces])
}

// groups is the recording up to the end of its last complete group of pictures, and the
// audio that lies before that in the sample file; nil if there is none. A group is
// complete when another one begins, or when no sample follows.
func (r *Recording) groups() *Recording {
	if r.Ended() {
		return r
	}
	for i := len(r.pieces) - 1; i > 0; i-- {
		if p := &r.pieces[i]; p.Audio == nil && p.Video.Sync {
			return newRecording(r.File(), r.journal, r.pieces[:i])
		}
	}
	return nil
}

// Ended tells whether no sample follows the last one, as far as the journal tells: where
// the next recording begins at once, it does not.
func (r *Recording) Ended() bool { return r.isOpen() && r.journal.Ended }

// isOpen tells whether the duration of the last sample is not known.
func (r *Recording) isOpen() bool { return r.Flags&moonfirefs.FlagTrailingZero != 0 }

// settled is the recording without a last sample whose duration will be known; nil if there
// is nothing else.
func (r *Recording) settled() *Recording {
	if !r.isOpen() || r.journal.Ended {
		return r
	}
	i := len(r.pieces) - 1
	for r.pieces[i].Audio != nil {
		i--
	}
	return newRecording(r.File(), r.journal, r.pieces[:i])
}

// mayGetAudio tells whether audio may still come that belongs before next, the recording
// that follows: audio comes later than the pictures, and is written when the audio of
// next begins.
func (r *Recording) mayGetAudio(next *Recording) bool {
	return r.Audio.Samples > 0 && next.Audio.Samples == 0 && r.Open == next.Open && r.RunOffset+1 == next.RunOffset
}

// Pieces are the samples and the chunks of audio, in the order of the sample file. Nobody
// changes them.
func (r *Recording) Pieces() []journal.Piece { return r.pieces }
