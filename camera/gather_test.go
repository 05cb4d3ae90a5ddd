// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestWaitingFrames ensures that frames for which nobody asks wait, more of them than
// the session has memory for; that none of them is lost when it is interrupted; and
// that each tells when it has arrived.
func TestWaitingFrames(t *testing.T) {
	source, err := testcamera.Encode(t.Context(), testcamera.Params{}, 60)
	if err != nil {
		t.Fatal(err)
	}
	camera := startCamera(t, testcamera.Config{Source: source, Speed: 60})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	session, err := Open(ctx, Config{URL: camera.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	wait.Until(t, "300 frames to be sent", func() bool { return len(camera.Sent()) >= 300 })
	frames := read(t, session, 150)
	wait.Until(t, "550 frames to be sent", func() bool { return len(camera.Sent()) >= 550 })
	cancel()
	for {
		frame, err := session.Next()
		if errors.Is(err, context.Canceled) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame)
	}
	// Of those that the camera has sent by then, nobody knows how many have arrived.
	if len(frames) <= 150 {
		t.Errorf("%d frames, all of them before the interruption", len(frames))
	}
	compareWithSent(t, frames, camera.Sent())
	if !slices.IsSortedFunc(frames, func(a, b Frame) int { return a.Arrived.Compare(b.Arrived) }) {
		t.Error("the frames have not arrived in their order")
	}
	// Those of one reading are said to have arrived with its last byte.
	const longestReading = 256 << 10
	before, between := 0, 0
	for i := 1; i < len(frames); i++ {
		for between += len(frames[i].Data); between > longestReading; before++ {
			between -= len(frames[before+1].Data)
		}
		if before > 0 && !frames[i].Arrived.After(frames[before].Arrived) {
			t.Fatalf("frames %d and %d are said to have arrived at once", before, i)
		}
	}
	if before < 100 {
		t.Errorf("only %d frames were compared", before)
	}
}

// TestStalledCamera ensures that frames do not wait for those after them, when a camera
// stops in the middle of a group of pictures: all are read but the one that nothing
// shows to be complete.
func TestStalledCamera(t *testing.T) {
	camera := startCamera(t, testcamera.Config{})
	session := openSession(t, Config{URL: camera.URL()})
	read(t, session, 1)
	before := len(camera.Sent())
	wait.Until(t, "five frames to be sent", func() bool { return len(camera.Sent()) >= before+5 })
	camera.Stall()
	sent := camera.Sent()
	first := slices.IndexFunc(sent, func(f testcamera.SentFrame) bool { return f.Sync })
	read(t, session, len(sent)-first-2)
}
