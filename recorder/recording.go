// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"fmt"
	"log/slog"
	"math"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/journal"
)

// errAbandoned is returned when a sample file does not become a recording.
var errAbandoned = errors.New("recording abandoned")

// recording is one recording from its first frame until it is finished and handed
// over to the saver. It owns the sample file with its journal, the timeline that dates
// the frames, the tables of samples, and the audio, for which it stays open when it has
// all of its frames. It is not safe for concurrent use; checkpoints only know its file.
//
// Frames come with append and audio with addAudio; end says that no more frames come,
// and finish completes it. Each recording must be ended and finished.
type recording struct {
	stream    *moonfirefs.Stream
	runOffset int32
	entry     *moonfirefs.VideoSampleEntry
	space     *space
	status    *status
	log       *slog.Logger

	timeline *timeline
	file     *pendingFile
	// digest and sizeBytes are of what was written to the file.
	digest    *moonfirefs.SampleFileDigest
	sizeBytes int64
	// corrupt says that the file holds part of a frame.
	corrupt bool

	// samples are those that were written. They lack the last frame, whose duration only
	// the next one tells.
	samples moonfirefs.SampleTable
	// last is the last frame, without its duration; Bytes is 0 before the first.
	last moonfirefs.Sample
	// lastSum is that of its bytes.
	lastSum uint32
	// audio has what is not written yet.
	audio audioTrack
}

// append writes a frame that the timeline was advanced to (§ Create step 2).
// lastDuration90k is the duration of the frame before it, positive, and without meaning
// for the first frame. After an error, the frames before it are intact, and no more can
// be appended.
func (r *recording) append(it *item, lastDuration90k moonfirefs.Duration90k) error {
	f := &it.frame
	if err := r.space.spend(int64(len(f.Data))); err != nil {
		return err
	}
	if len(f.Data) == 0 || len(f.Data) > math.MaxInt32 {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "append to sample file %s: frame of %d bytes", r.file.name, len(f.Data))
	}
	r.addLast(lastDuration90k)
	if r.audio.due(f.Sync) {
		if err := r.writeAudio(); err != nil {
			return err
		}
	}
	if f.Sync {
		r.file.journal.flush() // a group of pictures is complete; a crash must not cost it and the next
	}
	if err := r.write(f.Data); err != nil {
		return fmt.Errorf("append to sample file %s: %w", r.file.name, err)
	}
	offset90k := r.timeline.offset90k(it.offset90k())
	r.last = moonfirefs.Sample{Bytes: int32(len(f.Data)), Sync: f.Sync, CompositionOffset90k: int32(offset90k)}
	r.lastSum = journal.Sum(f.Data)
	r.timeline.place(it.offset90k(), it.arrival)
	r.file.journal.date(r.timeline.dating())
	return nil
}

// write appends all of data to the file, or nothing.
func (r *recording) write(data []byte) error {
	n, err := r.file.Write(data)
	if err != nil {
		if n > 0 {
			r.corrupt = r.file.Truncate(r.sizeBytes) != nil
		}
		return err
	}
	r.sizeBytes += int64(len(data))
	_, _ = r.digest.Write(data) // never fails
	return nil
}

// addLast adds the last frame to the table, now that its duration is known.
func (r *recording) addLast(duration90k moonfirefs.Duration90k) {
	if r.last.Bytes == 0 {
		return
	}
	r.last.Duration90k = int32(duration90k)
	r.samples.AddVideo(r.last)
	r.file.journal.add(r.last, r.lastSum)
	r.last = moonfirefs.Sample{}
}

// acceptsAudio tells whether a sample of audio can be part of the recording: a
// recording has one configuration of it, and its durations are bounded. The sample
// begins at90k after the recording does.
func (r *recording) acceptsAudio(f *camera.AudioFrame, at90k moonfirefs.Duration90k) bool {
	if len(f.Data) == 0 || len(f.Data) > math.MaxUint16*8 || at90k >= moonfirefs.MaxRecordingDuration90k {
		return false
	}
	return !r.hasOtherAudio(f.Entry)
}

// hasOtherAudio tells whether the recording has audio of another configuration.
func (r *recording) hasOtherAudio(entry *moonfirefs.AudioSampleEntry) bool {
	return r.audio.entry != nil && r.audio.entry.SHA1 != entry.SHA1
}

// addAudio takes a sample that the recording accepts. It is written later.
func (r *recording) addAudio(f *camera.AudioFrame, at90k moonfirefs.Duration90k) {
	r.audio.add(f, at90k)
}

// endAudio says that the last sample of audio ends at a time, after the start of the
// recording: there another one begins, which is part of the next recording.
func (r *recording) endAudio(at90k moonfirefs.Duration90k) { r.audio.end(at90k) }

// writeAudio appends the audio that waits as a chunk, or nothing. The frames before
// it must be in the table.
func (r *recording) writeAudio() error {
	a := &r.audio
	if len(a.samples) == 0 {
		return nil
	}
	frames := r.samples.VideoSinceAudio()
	if frames == 0 {
		return nil // only after a frame that could not be written
	}
	defer a.forget()
	if err := r.write(a.data); err != nil {
		return fmt.Errorf("append audio to sample file %s: %w", r.file.name, err)
	}
	r.file.journal.addChunk(a.entry, frames, &journal.Chunk{
		Samples: a.samples, Sum: journal.Sum(a.data), Start90k: a.start90k,
	})
	r.samples.AddAudio(a.start90k, a.samples)
	return nil
}

// full tells whether the index would not take many more samples.
func (r *recording) full() bool {
	return r.samples.VideoSamples() >= tooManySamples || r.samples.AudioSamples() >= tooManySamples
}

// frames counts those that were written whole.
func (r *recording) frames() int {
	n := int(r.samples.VideoSamples())
	if r.last.Bytes > 0 {
		n++
	}
	return n
}

// end says that the recording has all of its frames. lastDuration90k is the duration of
// the last one, or 0 if no next frame tells it.
func (r *recording) end(lastDuration90k moonfirefs.Duration90k) {
	if r.frames() == 0 || r.corrupt {
		return
	}
	r.addLast(lastDuration90k)
	r.file.journal.flush()
	if r.runOffset > 0 { // the first one starts by this machine's clock
		r.status.drifted(r.timeline.dating().LocalTimeDelta90k)
	}
}

// duration90k is when the next recording begins, after the start of this one.
func (r *recording) duration90k() moonfirefs.Duration90k { return r.timeline.adjusted90k }

// awaitsAudio tells whether audio that began before the end of the recording may still
// be on its way.
func (r *recording) awaitsAudio() bool { return r.audio.entry != nil }

// finish completes a recording that has ended. Its file is still open, to be made
// durable. The error wraps errAbandoned, with the file closed, if there are no frames
// or the file is corrupt.
func (r *recording) finish() (*finished, error) {
	if err := r.complete(); err != nil {
		return nil, errors.Join(err, r.file.Close())
	}
	f := &finished{row: r.row(), entry: r.entry, file: r.file, status: r.status, log: r.log}
	if r.samples.AudioSamples() > 0 {
		f.audioEntry = r.audio.entry
	}
	return f, nil
}

// complete writes the audio that is left.
func (r *recording) complete() error {
	if r.corrupt {
		return fmt.Errorf("finish sample file %s: partly written frame: %w", r.file.name, errAbandoned)
	}
	if r.frames() == 0 {
		return fmt.Errorf("finish sample file %s: no frames: %w", r.file.name, errAbandoned)
	}
	r.audio.settleNominally()
	if err := r.writeAudio(); err != nil && r.corrupt {
		return errors.Join(err, errAbandoned)
	}
	return nil
}

// row is what the index will say of the recording.
func (r *recording) row() *moonfirefs.Recording {
	dating := r.timeline.dating()
	row := &moonfirefs.Recording{
		Summary:           moonfirefs.Summary{Start90k: dating.Start90k, RunOffset: r.runOffset},
		Stream:            r.stream.ID,
		SampleDir:         r.stream.SampleDir,
		Open:              r.file.open,
		LocalTimeDelta90k: dating.LocalTimeDelta90k,
		SampleFile:        r.file.name,
	}
	r.samples.Fill(row)
	r.digest.Fill(row)
	return row
}
