package recorder

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/journal"
)

// errClockStep ends a run when somebody has set this machine's clock.
var errClockStep = errors.New("this machine's clock was set")

// errStrayed ends a run whose timestamps run too fast or too slowly.
var errStrayed = fmt.Errorf("%w: they do not keep pace with this machine's clock", errTimestamps)

// run is what one connection delivers without a break: recordings that touch
// exactly. It is not safe for concurrent use. Once a method has failed, the run
// is over, and every frame that it took before is on its way to the index.
type run struct {
	stream   *moonfirefs.Stream
	rotation rotation
	syncer   *syncer
	status   *status
	log      *slog.Logger

	timeline *timeline
	// writer has the recording in progress; nil if there is none.
	writer *writer
	// offset is the number of that recording within the run.
	offset int32
	// ending is the one before it, as long as that waits for audio.
	ending *ending
	// soundChanged says that the camera sends audio of another configuration than
	// that of the recording in progress.
	soundChanged bool
	// soundFrom is the configuration of the last audio that was taken, whose pointer
	// tells the sessions of the audio apart; nil if there was none.
	soundFrom *moonfirefs.AudioSampleEntry
}

// begin starts the run with its first frame, a key frame.
func (r *run) begin(it *item) error {
	r.timeline = newTimeline(it.dts90k, it.offset90k(), it.arrival)
	if err := r.startRecording(it); err != nil {
		return err
	}
	r.addSound(it)
	return nil
}

// lasted returns the time from the run's first frame to at.
func (r *run) lasted(at arrival) time.Duration {
	return at.monotonic - r.timeline.anchor.monotonic
}

// add takes the next frame. An error says why the run is over; the run has not
// taken the frame then.
func (r *run) add(it *item) error {
	lastDuration90k, err := r.timeline.advance(it.dts90k)
	if err != nil {
		r.finishRecording(0)
		return err
	}
	// Not before a key frame: without one, the next run could not start, and
	// the frames until then would be lost for nothing.
	if it.frame.Sync && r.timeline.clockStepped(it.arrival) {
		r.finishRecording(lastDuration90k)
		return errClockStep
	}
	if it.frame.Sync && r.timeline.strayed(it.arrival) {
		r.finishRecording(lastDuration90k)
		return errStrayed
	}
	if r.rotates(it) {
		r.endRecording(lastDuration90k)
		r.offset++
		if err := r.startRecording(it); err != nil {
			r.finishEnding()
			return err
		}
		r.addSound(it)
		return nil
	}
	if err := r.append(it, lastDuration90k); err != nil {
		return err
	}
	r.addSound(it)
	return nil
}

// end is called when no frame follows.
func (r *run) end() { r.finishRecording(0) }

// rotates tells whether a frame that was advanced to starts a new recording.
func (r *run) rotates(it *item) bool {
	// One recording has one codec configuration.
	if e := it.frame.Entry; e != r.writer.entry && e.SHA1 != r.writer.entry.SHA1 {
		return true
	}
	if r.timeline.adjusted90k >= tooLong90k || it.frame.Sync && r.soundChanged {
		return true
	}
	return it.frame.Sync && r.timeline.media90k() >= r.rotation.due90k(r.timeline.start90k(), r.timeline.first)
}

func (r *run) startRecording(it *item) error {
	d, err := r.syncer.create(&journal.Header{
		Stream: r.stream.ID, RunOffset: r.offset, Entry: it.frame.Entry,
	})
	if err != nil {
		return err
	}
	r.writer, r.soundChanged = newWriter(d, it.frame.Entry), false
	return r.append(it, 0)
}

func (r *run) append(it *item, lastDuration90k moonfirefs.Duration90k) error {
	err := r.syncer.space.spend(int64(len(it.frame.Data)))
	if err == nil {
		err = r.writer.append(&it.frame, r.timeline.offset90k(it.offset90k()), lastDuration90k)
	}
	if err != nil {
		r.finishRecording(lastDuration90k)
		return err
	}
	r.timeline.place(it.offset90k(), it.arrival)
	r.writer.journal.date(r.timeline.dating())
	return nil
}

// finishRecording hands the recording in progress to the syncer, and before it the
// one that waits for audio. lastDuration90k is the duration of its last frame, 0 if
// not known.
func (r *run) finishRecording(lastDuration90k moonfirefs.Duration90k) {
	r.finishEnding()
	if r.writer == nil {
		return
	}
	w := r.writer
	r.writer = nil
	var dated moonfirefs.Recording
	if w.frames() > 0 && !w.corrupt {
		r.date(&dated)
	}
	r.handOn(w, &dated, lastDuration90k)
}

// date fills in what the timeline tells of the recording in progress, and ends it
// there.
func (r *run) date(recording *moonfirefs.Recording) {
	recording.Start90k, recording.LocalTimeDelta90k = r.timeline.cut()
	recording.RunOffset = r.offset
	if r.offset > 0 { // the first one starts by this machine's clock
		r.status.drifted(recording.LocalTimeDelta90k)
	}
}

// handOn hands a recording, which has been dated, to the syncer.
func (r *run) handOn(w *writer, dated *moonfirefs.Recording, lastDuration90k moonfirefs.Duration90k) {
	recording, err := w.finish(lastDuration90k)
	if err != nil {
		r.syncer.abandon(w.name)
		r.status.dropped(w.frames())
		if w.corrupt {
			r.log.Error("a recording is lost", "err", err)
		}
		return
	}
	recording.Start90k, recording.LocalTimeDelta90k = dated.Start90k, dated.LocalTimeDelta90k
	recording.RunOffset = dated.RunOffset
	recording.Stream, recording.SampleDir, recording.Open = r.stream.ID, r.stream.SampleDir, w.open
	r.syncer.save(&finished{
		recording: recording, entry: w.entry, audioEntry: w.audioEntry(), file: w.draft, status: r.status, log: r.log,
	})
}
