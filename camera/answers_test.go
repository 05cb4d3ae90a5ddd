package camera

import (
	"slices"
	"testing"
)

// The audio in a session description is found whatever stands around it.
func TestAudioInDescription(t *testing.T) {
	tests := map[string]struct {
		description string
		want        []string
	}{
		"none":    {describe(h264Media), nil},
		"static":  {describe(h264Media, "m=audio 0 RTP/AVP 0", "a=control:a"), []string{"PCMU/8000"}},
		"dynamic": {describe("m=audio 0 RTP/AVP 97", "a=recvonly", "a=rtpmap:97 MPEG4-GENERIC/16000/1", h264Media), []string{"MPEG4-GENERIC/16000/1"}},
		"two":     {describe(audioMedia, h264Media, "m=audio 0 RTP/AVP 8", "a=rtpmap:96 x/1"), []string{"PCMU/8000", "PCMA/8000"}},
		"unknown": {describe("m=audio 0 RTP/AVP 111"), []string{"payload type 111"}},
	}
	for name, test := range tests {
		a := answers{}
		a.learn("[rtsp @ 0x1] SDP:\n"+test.description, false)
		if !slices.Equal(a.audio, test.want) {
			t.Errorf("%s: got %q, want %q", name, a.audio, test.want)
		}
	}
}

// A refusal is told alike, whichever FFmpeg logs it.
func TestRefusal(t *testing.T) {
	for line, want := range map[string]string{
		"[rtsp @ 0x1] method SETUP failed: 453 Not Enough Bandwidth\n": "SETUP: 453 Not Enough Bandwidth",
		"[rtsp @ 0x1] method SETUP failed: 453Not Enough Bandwidth\n":  "SETUP: 453 Not Enough Bandwidth",
		"[rtsp @ 0x1] method PLAY failed: 500\n":                       "PLAY: 500",
	} {
		a := answers{}
		if a.learn(line, false); a.refusal != want {
			t.Errorf("%q is told as %q, want %q", line, a.refusal, want)
		}
	}
}
