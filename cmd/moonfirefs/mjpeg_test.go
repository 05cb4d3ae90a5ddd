// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// TestMotionJPEG ensures that the pictures of a camera that sends Motion JPEG are in the
// files one after another, across recordings, and that decoders take them.
func TestMotionJPEG(t *testing.T) {
	t.Parallel()
	const pictures = 300
	source, err := testcamera.Encode(context.Background(), testcamera.Params{Codec: testcamera.MJPEG, Width: 320, Height: 176}, pictures)
	if err != nil {
		t.Fatal(err)
	}
	camera := startCamera(t, testcamera.Config{Source: source, Audio: mustEncodeAudio(t, testcamera.ALaw, 0), Reports: true})
	path, mountpoint := newStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "2s")
	waitForRecordings(t, path, 4)
	recorder.stop()
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	paths := files(t, mountpoint)
	requireDecodable(t, paths)
	shown := shownCounters(t, paths...)
	if frames := playedFrames(t, paths); len(frames) != len(shown) || len(shown) < 60 {
		t.Errorf("%d pictures are shown of %d", len(shown), len(frames))
	}
	for i, counter := range shown {
		if counter != (shown[0]+i)%pictures {
			t.Fatalf("picture %d is number %d, the first one number %d", i, counter, shown[0])
		}
	}
	mustRun(t, "check", "--store", path, "--index", "--hash")
}
