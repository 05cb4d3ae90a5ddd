// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"bytes"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// With a camera that speaks RTSP, and this machine's clock: each run holds
// consecutive frames of what was sent, from a key frame on, with the durations
// of the camera's clock; a camera that restarts is recorded again.
func TestWithCamera(t *testing.T) {
	clip := cameratest.Encode(t, testcamera.Params{GOP: 5}, 600)
	server := cameratest.Start(t, testcamera.Config{Source: clip, Username: "operator", Password: "pa ss/wörd"})

	f := newFixture(t, plenty)
	f.camera.Username, f.camera.Password = "operator", "pa ss/wörd"
	f.camera.Streams[0].URL = server.URL()
	r := New(Options{
		DB: f.store.DB, Dirs: f.store.Dirs, Cameras: []moonfirefs.Camera{f.camera},
		SegmentEvery: time.Second, MinFreeBytes: 1, Logger: f.log,
	})
	f.must(r.Open(t.Context()))
	wait.Until(t, "a recording", func() bool { return r.Status()[0].Recordings >= 1 })
	server.Stop()
	wait.Until(t, "the end of the connection", func() bool { return r.Status()[0].LastError != "" })
	before := r.Status()[0].Frames
	f.must(server.Restart())
	wait.Until(t, "frames of the next connection", func() bool { return r.Status()[0].Frames > before })
	f.must(r.Close())
	f.noneReserved()

	sent, runs, next := server.Sent(), 0, 0
	for _, recording := range f.recordings() {
		if recording.RunOffset == 0 {
			runs++
		}
		for i, s := range decodeIndex(t, recording.VideoIndex, recording.Flags) {
			data := recording.data[:s.Bytes]
			recording.data = recording.data[s.Bytes:]
			if i == 0 && recording.RunOffset == 0 {
				for next < len(sent) && !isFrame(data, sent[next]) {
					next++
				}
			}
			if next >= len(sent) || !isFrame(data, sent[next]) || s.Sync != sent[next].Sync || i == 0 && !s.Sync {
				t.Fatalf("frame %d of recording %d is not frame %d that was sent", i, recording.ID, next)
			}
			next++
			const frame90k = second90k / 15
			if s.Duration90k != 0 && (s.Duration90k < frame90k-4 || s.Duration90k > frame90k+4) {
				t.Errorf("frame %d of recording %d lasts %d", i, recording.ID, s.Duration90k)
			}
		}
	}
	if runs != 2 {
		t.Errorf("%d runs", runs)
	}
}

// isFrame tells whether a sample is a frame that was sent. Parameter sets may be
// missing from it, the picture not.
func isFrame(sample []byte, sent testcamera.SentFrame) bool {
	return bytes.HasSuffix(sample, sent.NALs[len(sent.NALs)-1])
}
