// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// TestGoodbye ensures that a session ends when the camera says so, by RTCP, and that all
// frames before that are returned, the last one included.
func TestGoodbye(t *testing.T) {
	for _, transport := range []moonfirefs.Transport{moonfirefs.TCP, moonfirefs.UDP} {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			camera := startCamera(t, testcamera.Config{Transports: []moonfirefs.Transport{transport}})
			session := openSession(t, Config{URL: camera.URL(), Transport: transport})
			frames := read(t, session, 20)
			camera.Goodbye()
			for {
				frame, err := session.Next()
				if err != nil {
					if err.Error() != "read frame: the camera has ended the stream" {
						t.Errorf("got %q", err)
					}
					break
				}
				frames = append(frames, frame)
			}
			sent := camera.Sent()
			compareWithSent(t, frames, sent)
			last := frames[len(frames)-1]
			if !bytes.Equal(last.Data, expectedSample(sent[len(sent)-1], last.Entry.RFC6381Codec)) {
				t.Errorf("the last of %d frames is not the last of %d that were sent", len(frames), len(sent))
			}
		})
	}
}

// TestGoodbyeOfGStreamer ensures the same of another server, whose stream ends.
func TestGoodbyeOfGStreamer(t *testing.T) {
	m := mux(t, testcamera.H264, "", "gstreamer.mkv")
	for _, transport := range []moonfirefs.Transport{moonfirefs.TCP, moonfirefs.UDP} {
		session := openSession(t, Config{URL: startGStreamer(t, m.path), Transport: transport})
		m.requireFrames(t, session, len(m.media.AccessUnits))
		if err := nextError(t, session); err.Error() != "read frame: the camera has ended the stream" {
			t.Errorf("%s: got %q", transport, err)
		}
	}
}
