// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"sync"

	"github.com/moonfirefs/moonfirefs/internal/rtsp"
)

// Habits are what sessions have learned of a camera, for those after them. The zero value
// knows nothing. It may be used by several sessions at once.
type Habits struct {
	rtsp rtsp.Habits
	// alternation is how often the configuration of the video changes.
	alternation alternation
	// recovery is whether it is recorded from recovery points on.
	recovery recovery

	mu sync.Mutex // guards what follows
	// audio is how sessions have fared that had audio.
	audio audioHabit
}

// audioHabit is whether a camera sends video beside audio. There are cameras that refuse to
// play both in one session, or send only what was set up last. Video comes first.
type audioHabit int

const (
	// audioUnknown is what it is at first.
	audioUnknown audioHabit = iota
	// audioProven: there has been a session with both.
	audioProven
	// audioSuspected: there has been one with audio that had no video, so the next one is
	// without.
	audioSuspected
	// audioRefused: that one had video.
	audioRefused
)

// allowsAudio tells whether the next session may have audio.
func (h *Habits) allowsAudio() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.audio == audioUnknown || h.audio == audioProven
}

// provesAudio tells whether there has been a session with both.
func (h *Habits) provesAudio() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.audio == audioProven
}

// videoCame notes that a session has video. It returns true if that shows that the camera
// has none beside audio.
func (h *Habits) videoCame(withAudio bool) (refused bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if withAudio {
		h.audio = audioProven
		return false
	}
	if h.audio != audioSuspected {
		return false
	}
	h.audio = audioRefused
	return true
}

// noVideoCame notes that a session was without.
func (h *Habits) noVideoCame(withAudio bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case withAudio && h.audio == audioUnknown:
		h.audio = audioSuspected
	case !withAudio && h.audio == audioSuspected:
		h.audio = audioUnknown // it is not the audio
	}
}
