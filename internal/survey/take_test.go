// SPDX-License-Identifier: GPL-3.0-or-later

package survey

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func startCamera(t *testing.T, config testcamera.Config) *testcamera.Camera {
	t.Helper()
	config.Source = cameratest.Encode(t, testcamera.Params{Width: 640, Height: 360, FPS: 20, GOP: 10, BitrateKbps: 500}, 200)
	return cameratest.Start(t, config)
}

// A camera is described as it is.
func TestTake(t *testing.T) {
	for _, withoutSprop := range []bool{false, true} {
		server := startCamera(t, testcamera.Config{WithoutSprop: withoutSprop})
		r, err := Take(t.Context(), camera.Config{URL: server.URL()}, Extent{Duration: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if r.Codec != "H.264" || r.Width != 640 || r.Height != 360 || r.GOPFrames != 10 || r.BFrames || len(r.Audio) != 0 ||
			math.Abs(r.FramesPerSecond-20) > 5 || math.Abs(r.StampedFramesPerSecond-20) > 0.1 ||
			r.BitsPerSecond < 100e3 || r.BitsPerSecond > 1e6 {
			t.Errorf("%+v", r)
		}
		if warned := strings.Contains(strings.Join(r.Warnings, ""), "sprop"); warned != withoutSprop {
			t.Errorf("warnings %q", r.Warnings)
		}
	}
}

// A survey can be short.
func TestTakeGOPs(t *testing.T) {
	server := startCamera(t, testcamera.Config{})
	r, err := Take(t.Context(), camera.Config{URL: server.URL()}, Extent{Duration: time.Hour, GOPs: 2})
	if err != nil {
		t.Fatal(err)
	}
	if r.Frames != 21 || r.GOPFrames != 10 {
		t.Errorf("%+v", r)
	}
}

// What cannot be recorded is an error, and so is being interrupted.
func TestTakeFails(t *testing.T) {
	server := startCamera(t, testcamera.Config{Describes: testcamera.AudioOnly})
	if _, err := Take(t.Context(), camera.Config{URL: server.URL()}, Extent{Duration: time.Second}); err == nil || !strings.HasSuffix(err.Error(), "no video stream") {
		t.Errorf("got %v", err)
	}
	silent := startCamera(t, testcamera.Config{})
	silent.Stall()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := Take(ctx, camera.Config{URL: silent.URL()}, Extent{Duration: time.Second}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
