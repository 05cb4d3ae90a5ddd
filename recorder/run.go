// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

// errClockStep ends a run when somebody has set this machine's clock.
var errClockStep = errors.New("this machine's clock was set")

// errStrayed ends a run whose timestamps run too fast or too slowly.
var errStrayed = fmt.Errorf("%w: they do not keep pace with this machine's clock", errTimestamps)

// errCameraClock ends a run at a key frame before which the camera's clock was set. What
// was between is dated as if it had not been.
var errCameraClock = fmt.Errorf("%w: the camera's clock was set", errTimestamps)

const (
	// audioPatience90k is how long a recording that has all of its frames waits for
	// audio that began before its end.
	audioPatience90k moonfirefs.Duration90k = 2 * moonfirefs.UnitsPerSecond
	// maxAudioAhead90k is how long after the newest frame audio may begin; what claims
	// more is mistaken. It comes with that frame, and the video waits for it no longer
	// than a frame may last.
	maxAudioAhead90k moonfirefs.Duration90k = maxJump90k
	// catchUpWithin is how long frames that have waited may be late.
	catchUpWithin = 5 * time.Second
)

// run is what one connection delivers without a break: recordings that touch
// exactly. It decides which recording a frame and a sample of audio belong to. It is not
// safe for concurrent use. Once a method has failed, the run is over, and every frame
// that it took before is on its way to the index, but for those that are lost.
type run struct {
	stream       *moonfirefs.Stream
	segmentation segmentation
	syncer       *syncer
	status       *status
	log          *slog.Logger

	// began is when the first frame arrived.
	began arrival
	// lateSince is since when key frames are too late, by the monotonic clock; 0 if they
	// are not.
	lateSince time.Duration
	// endsAt is when the last recording that has ended does, by the monotonic clock.
	endsAt time.Duration
	// current is the recording in progress; nil if there is none.
	current *recording
	// awaiting is the one before it, as long as that awaits audio.
	awaiting *recording
	// audioChanged says that the camera sends audio of another configuration than
	// that of the recording in progress.
	audioChanged bool
	// audioFrom is the configuration of the last audio that was taken, whose pointer
	// tells the sessions of the audio apart; nil if there was none.
	audioFrom *moonfirefs.AudioSampleEntry
	// lost counts the frames that were taken and could not be written.
	lost int
	// lastBytes is the size of the recording that ended last, 0 if none has.
	lastBytes int64
}

// begin starts the run with its first frame, a key frame.
func (r *run) begin(it *item) error {
	r.began = it.arrival
	t := newTimeline(it.dts90k, it.offset90k(), it.arrival)
	t.longestFrame90k = r.segmentation.longestFrame90k()
	if err := r.start(it, 0, t); err != nil {
		return cmp.Or(r.finish(0), err)
	}
	r.addAudio(it)
	return nil
}

// lasted returns the time from the run's first frame to at.
func (r *run) lasted(at arrival) time.Duration { return at.monotonic - r.began.monotonic }

// add takes the next frame. An error says why the run is over; the run has not
// taken the frame then.
func (r *run) add(it *item) error {
	lastDuration90k, err := r.current.timeline.advance(it.dts90k)
	if err == nil {
		err = r.requirePace(it)
	}
	if err == nil {
		err = r.append(it, lastDuration90k)
	}
	if err != nil {
		return cmp.Or(r.finish(lastDuration90k), err) // a disk that fails matters more
	}
	r.addAudio(it)
	return nil
}

// isDue tells whether enough was gathered to be written, and waits whether anything.
func (r *run) isDue() bool { return r.current.isDue() }
func (r *run) waits() bool { return r.current.waits() }

// flush writes what was gathered.
func (r *run) flush() error {
	if err := r.current.flush(); err != nil {
		return cmp.Or(r.finish(0), err)
	}
	return nil
}

// end is called when no frame follows. The error is of frames that are lost.
func (r *run) end() error { return r.finish(0) }

// requirePace fails at a key frame if the run's time and this machine's clock do not go
// together any more. At other frames it does not look: the next run could not start
// with one, and the frames until it could would be lost for nothing.
func (r *run) requirePace(it *item) error {
	switch t := r.current.timeline; {
	case !it.frame.Sync:
		return nil
	case it.clockSet && r.lasted(it.arrival) >= lastingRun:
		return errCameraClock
	case t.clockStepped(it.arrival):
		return errClockStep
	case !t.strayed(it.arrival):
		r.lateSince = 0
	case t.late90k(it.arrival) <= maxStray90k || !r.mayCatchUp(it.arrival):
		return errStrayed
	}
	return nil
}

// mayCatchUp tells whether frames that are late may only have waited: this process stood
// still, as in a suspended machine, and they come faster now than they were sent. Until
// they have caught up, the run dates them, and a new one would date them by their arrival.
func (r *run) mayCatchUp(at arrival) bool {
	if r.lateSince == 0 {
		r.lateSince = at.monotonic
	}
	return at.monotonic-r.lateSince < catchUpWithin
}

// append adds a frame that was advanced to to the recording in progress, or to a new one.
func (r *run) append(it *item, lastDuration90k moonfirefs.Duration90k) error {
	if !r.cutsBefore(it) {
		return r.current.append(it, lastDuration90k)
	}
	before := r.current
	if err := r.endCurrent(lastDuration90k); err != nil {
		return err
	}
	return r.start(it, before.runOffset+1, before.timeline.next())
}

// cutsBefore tells whether a frame that was advanced to starts a new recording.
func (r *run) cutsBefore(it *item) bool {
	// One recording has one codec configuration.
	if e := it.frame.Entry; e != r.current.entry && e.SHA1 != r.current.entry.SHA1 {
		return true
	}
	t := r.current.timeline
	if t.adjusted90k >= r.segmentation.tooLong90k() || r.current.full() || it.frame.Sync && r.audioChanged {
		return true
	}
	return it.frame.Sync && t.media90k() >= r.segmentation.due90k(t.start90k(), t.first)
}

// start begins a recording with its first frame.
func (r *run) start(it *item, runOffset int32, t *timeline) error {
	file, err := r.syncer.create(r.stream.ID, runOffset, it.frame.Entry, r.lastBytes+r.lastBytes/8)
	if err != nil {
		return err
	}
	r.current = &recording{
		stream: r.stream, runOffset: runOffset, entry: it.frame.Entry, space: r.syncer.space, status: r.status, log: r.log,
		timeline: t, file: file, digest: moonfirefs.NewSampleFileDigest(),
	}
	r.audioChanged = false
	return r.current.append(it, 0)
}

// endCurrent ends the recording in progress. If it has audio, it awaits more. After an
// error, the run cannot go on: the recording is shorter than the next one begins.
func (r *run) endCurrent(lastDuration90k moonfirefs.Duration90k) error {
	r.finishAwaiting()
	ended := r.current
	r.current = nil
	if ended == nil {
		return nil
	}
	r.endsAt = ended.timeline.endsAt()
	err := ended.end(lastDuration90k)
	r.lost += ended.lost
	r.lastBytes = ended.sizeBytes
	if ended.awaitsAudio() {
		r.awaiting = ended
		return err
	}
	r.handOver(ended)
	return err
}

// finish ends the recording in progress and hands over all that there are.
// lastDuration90k is the duration of the last frame, 0 if not known.
func (r *run) finish(lastDuration90k moonfirefs.Duration90k) error {
	err := r.endCurrent(lastDuration90k)
	r.finishAwaiting()
	r.syncer.saver.hurry() // it is not one of many that end in turn
	return err
}

// finishAwaiting hands over the recording that awaits audio, if there is one.
func (r *run) finishAwaiting() {
	if r.awaiting != nil {
		r.handOver(r.awaiting)
		r.awaiting = nil
	}
}

// handOver hands a recording that has ended to the syncer.
func (r *run) handOver(ended *recording) {
	f, err := ended.finish()
	if err == nil {
		r.syncer.saver.add(f)
		return
	}
	r.syncer.abandon(ended.file.name)
	r.status.dropped(ended.frames())
	if ended.corrupt {
		r.log.Error("a recording is lost", "err", err)
	}
}

// addAudio takes the audio that came with a frame which has been added. Where the
// disk is full, the next frame will tell.
func (r *run) addAudio(it *item) {
	for i := range it.frame.Audio {
		f := &it.frame.Audio[i]
		if r.syncer.space.spend(int64(len(f.Data))) != nil {
			break
		}
		r.placeAudio(f, r.current.timeline.since90k(it.audioPTS90k(f)))
	}
	if r.current.duration90k() >= audioPatience90k {
		r.finishAwaiting()
	}
}

// placeAudio gives a sample to the recording in which it begins. at90k counts from
// the start of the one in progress.
func (r *run) placeAudio(f *camera.AudioFrame, at90k moonfirefs.Duration90k) {
	if at90k > r.current.duration90k()+maxAudioAhead90k {
		return // or the sample before it would last until then
	}
	if before := r.awaiting; before != nil {
		if at90k < 0 {
			r.giveAudio(before, f, at90k+before.duration90k())
			return
		}
		before.endAudio(at90k + before.duration90k())
		r.finishAwaiting()
	}
	if at90k < 0 && r.audioFrom != f.Entry {
		return // from before the run, or of a recording that did not wait for it
	}
	r.giveAudio(r.current, f, at90k)
}

func (r *run) giveAudio(to *recording, f *camera.AudioFrame, at90k moonfirefs.Duration90k) {
	if to.acceptsAudio(f, at90k) {
		to.addAudio(f, at90k)
		r.audioFrom = f.Entry
		return
	}
	if to == r.current && to.hasOtherAudio(f.Entry) && !r.audioChanged {
		r.log.Info("audio configuration changes; a new recording begins with the next key frame",
			"codec", f.Entry.RFC6381Codec, "sample_rate", f.Entry.SampleRate, "channels", f.Entry.Channels)
		r.audioChanged = true
	}
}
