// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"

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
// Frames come with append and audio with addAudio; flush writes them; end says that no
// more frames come, and finish completes it. Each recording must be ended and finished.
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

	// samples are those that were written and whose durations are known; those behind
	// them are in the batch.
	samples moonfirefs.SampleTable
	batch   batch
	// lost counts the frames that were appended and could not be written.
	lost int
	// audio has what is not in a batch yet.
	audio audioTrack
}

// append takes a frame that the timeline was advanced to (§ Create step 2). It is
// written later, at the next flush or before; its data must not change until then.
// lastDuration90k is the duration of the frame before it, positive, and without meaning
// for the first frame. After an error, which can be of frames before, this one was not
// taken, and no more can be appended; see flush.
func (r *recording) append(it *item, lastDuration90k moonfirefs.Duration90k) error {
	f := &it.frame
	if err := r.space.spend(int64(len(f.Data))); err != nil {
		return err
	}
	if len(f.Data) == 0 || len(f.Data) > math.MaxInt32 {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "append to sample file %s: frame of %d bytes", r.file.name, len(f.Data))
	}
	r.batch.settle(lastDuration90k)
	if r.audio.due(f.Sync) {
		if err := r.appendAudio(); err != nil {
			return err
		}
	}
	if err := r.makeRoom(len(f.Data)); err != nil {
		return err
	}
	offset90k := r.timeline.offset90k(it.offset90k())
	r.batch.addFrame(moonfirefs.Sample{Bytes: int32(len(f.Data)), Sync: f.Sync, CompositionOffset90k: int32(offset90k)}, f.Data)
	r.timeline.place(it.offset90k(), it.arrival)
	return nil
}

// makeRoom writes the batch if it cannot take more.
func (r *recording) makeRoom(sizeBytes int) error {
	if r.batch.fits(sizeBytes) {
		return nil
	}
	return r.flush()
}

// isDue tells whether enough waits to be written.
func (r *recording) isDue() bool { return r.batch.duration90k >= batchTime90k }

// waits tells whether there is something to write.
func (r *recording) waits() bool {
	return len(r.batch.data) > 0 || r.batch.begun && !r.batch.isOpen
}

// flush writes the batch: the bytes to the sample file, then what they are to the
// journal. After an error, what was written whole stays, what was not is lost, and no
// more can be appended.
func (r *recording) flush() error {
	if !r.waits() {
		return nil
	}
	var err error
	if len(r.batch.data) > 0 {
		err = r.write()
	}
	r.note()
	r.batch.written()
	return err
}

// write appends the bytes of the batch to the sample file. What is not whole it cuts off
// again, and takes out of the batch.
func (r *recording) write() error {
	n, err := r.file.Write(r.batch.data)
	if err != nil {
		before := r.batch.frames()
		whole := r.batch.cut(n)
		r.corrupt = n > whole && r.file.Truncate(r.sizeBytes+int64(whole)) != nil
		lost := before - r.batch.frames()
		r.lost += lost
		r.status.dropped(lost)
		err = fmt.Errorf("append to sample file %s: %w", r.file.name, err)
	}
	r.sizeBytes += int64(len(r.batch.data))
	_, _ = r.digest.Write(r.batch.data) // never fails
	return err
}

// note adds what was written to the table and to the journal.
func (r *recording) note() {
	j, dating := r.file.journal, r.timeline.dating()
	for _, p := range r.batch.settled() {
		if p.Audio == nil {
			r.samples.AddVideo(p.Video)
			j.add(p.Video, p.Sum)
			continue
		}
		j.addChunk(r.audio.entry, r.samples.VideoSinceAudio(), p.Audio, dating)
		r.samples.AddAudio(p.Audio.Start90k, p.Audio.Samples)
	}
	if open := r.batch.open(); open != nil {
		j.add(open.Video, open.Sum)
	}
	j.write(dating)
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

// appendAudio takes the audio that waits as a chunk, or nothing. The duration of the
// frame before it must be known.
func (r *recording) appendAudio() error {
	a := &r.audio
	if len(a.samples) == 0 || r.batch.endsWithAudio() || len(r.batch.pieces) == 0 && r.samples.VideoSinceAudio() == 0 {
		return nil // without a frame before it only after one that could not be written
	}
	defer a.forget()
	if err := r.makeRoom(len(a.data)); err != nil {
		return err
	}
	r.batch.addChunk(&journal.Chunk{
		Samples: slices.Clone(a.samples), Sum: journal.Sum(a.data), Start90k: a.start90k,
	}, a.data)
	return nil
}

// full tells whether the index would not take many more samples.
func (r *recording) full() bool {
	return r.samples.VideoSamples() >= tooManySamples || r.samples.AudioSamples() >= tooManySamples
}

// frames counts those that were taken and not lost.
func (r *recording) frames() int { return int(r.samples.VideoSamples()) + r.batch.frames() }

// end says that the recording has all of its frames, and writes those that wait.
// lastDuration90k is the duration of the last one, or 0 if no next frame tells it. The
// error is that of flush.
func (r *recording) end(lastDuration90k moonfirefs.Duration90k) error {
	r.batch.settle(lastDuration90k)
	if err := r.flush(); err != nil {
		return err
	}
	if r.runOffset > 0 && r.frames() > 0 { // the first one starts by this machine's clock
		r.status.drifted(r.timeline.dating().LocalTimeDelta90k)
	}
	return nil
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
	err := r.appendAudio()
	if err == nil {
		err = r.flush()
	}
	if r.corrupt {
		return errors.Join(err, errAbandoned)
	}
	return nil // what could not be written follows what is left
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
