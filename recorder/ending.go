package recorder

import (
	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

// ending is a recording that has all of its frames, and may get audio that began
// before its end and is still on its way. The next recording has begun.
type ending struct {
	writer *writer
	// recording has what the timeline tells.
	recording moonfirefs.Recording
	// duration90k is when the next recording begins, after the start of this one.
	duration90k moonfirefs.Duration90k
	// lastDuration90k is that of its last frame.
	lastDuration90k moonfirefs.Duration90k
}

// endRecording ends the recording in progress at the frame that was advanced to,
// which begins another one. It stays open for audio if there is any.
func (r *run) endRecording(lastDuration90k moonfirefs.Duration90k) {
	r.finishEnding()
	if r.writer == nil || r.writer.sound.entry == nil && len(r.writer.sound.samples) == 0 {
		r.finishRecording(lastDuration90k)
		return
	}
	r.writer.addLast(lastDuration90k)
	r.writer.journal.flush()
	e := &ending{writer: r.writer, duration90k: r.timeline.adjusted90k, lastDuration90k: lastDuration90k}
	r.writer = nil
	r.date(&e.recording)
	r.ending = e
}

// finishEnding hands on the recording that waits for audio, if there is one.
func (r *run) finishEnding() {
	if e := r.ending; e != nil {
		r.ending = nil
		r.handOn(e.writer, &e.recording, e.lastDuration90k)
	}
}

// addSound takes the audio that came with a frame which has been added. Where the
// disk is full, the next frame will tell.
func (r *run) addSound(it *item) {
	for i := range it.frame.Audio {
		f := &it.frame.Audio[i]
		if r.syncer.space.spend(int64(len(f.Data))) != nil {
			break
		}
		r.placeSound(f, r.timeline.since90k(it.soundPTS90k(f)))
	}
	if r.ending != nil && r.timeline.adjusted90k >= soundPatience90k {
		r.finishEnding()
	}
}

// placeSound gives a sample to the recording in which it begins. at90k counts from
// the start of the one in progress.
func (r *run) placeSound(f *camera.AudioFrame, at90k moonfirefs.Duration90k) {
	if at90k > r.timeline.adjusted90k+maxSoundAhead90k {
		return // or the sample before it would last until then
	}
	if e := r.ending; e != nil {
		if at90k < 0 {
			r.giveSound(e.writer, f, at90k+e.duration90k)
			return
		}
		e.writer.sound.settle(at90k + e.duration90k)
		r.finishEnding()
	}
	if at90k < 0 && r.soundFrom != f.Entry {
		return // from before the run, or of a recording that did not wait for it
	}
	r.giveSound(r.writer, f, at90k)
}

func (r *run) giveSound(w *writer, f *camera.AudioFrame, at90k moonfirefs.Duration90k) {
	if !w.acceptsSound(f, at90k) {
		if w == r.writer && w.sound.entry != nil && w.sound.entry.SHA1 != f.Entry.SHA1 && !r.soundChanged {
			r.log.Info("audio configuration changes; a new recording begins with the next key frame",
				"codec", f.Entry.RFC6381Codec, "sample_rate", f.Entry.SampleRate, "channels", f.Entry.Channels)
			r.soundChanged = true
		}
		return
	}
	w.sound.add(f, at90k)
	r.soundFrom = f.Entry
}
