// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// startCamera starts a real test camera.
func startCamera(t *testing.T, config testcamera.Config) *testcamera.Camera {
	t.Helper()
	config.Source = cameratest.Encode(t, testcamera.Params{GOP: 5}, 60)
	return cameratest.Start(t, config)
}

// What is wrong with a camera is said in one clear line, once and not at each
// attempt, and it stays in the status until there are pictures; when there are,
// that is said too.
func TestTroubleIsSaidOnce(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	tests := map[string]struct {
		camera testcamera.Config
		change func(*moonfirefs.Camera)
		want   string
	}{
		"refused":        {change: func(c *moonfirefs.Camera) { c.Streams[0].URL = "rtsp://" + closed.Addr().String() + "/" }, want: "connection refused"},
		"wrong password": {camera: testcamera.Config{Username: "operator", Password: "right"}, want: "401 unauthorized: wrong user name or password"},
		"no such path":   {change: func(c *moonfirefs.Camera) { c.Streams[0].URL += "2" }, want: "404 not found: no such stream"},
		"transport":      {change: func(c *moonfirefs.Camera) { c.Streams[0].Transport = moonfirefs.UDP }, want: "the camera does not offer this transport"},
		"VP8":            {camera: testcamera.Config{Describes: testcamera.VP8}, want: "the camera sends vp8, which is not recorded: set it to H.264, H.265 or AV1"},
		"audio only":     {camera: testcamera.Config{Describes: testcamera.AudioOnly}, want: "no video stream"},
		"no pictures":    {want: "no video within 700ms"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startCamera(t, test.camera)
			timeout := time.Minute // a busy machine takes long to answer
			if name == "no pictures" {
				server.Stall()
				timeout = 700 * time.Millisecond
			}
			f := newFixture(t, plenty)
			f.camera.Username, f.camera.Password = "operator", "wrong"
			f.camera.Streams[0].URL = server.URL()
			if test.change != nil {
				test.change(&f.camera)
			}
			lines := &syncbuffer.Buffer{}
			var attempts atomic.Int32
			r := New(Options{
				DB: f.store.DB, Dirs: f.store.Dirs, Cameras: []moonfirefs.Camera{f.camera}, Clock: f.clock,
				MinFreeBytes: 1, FrameTimeout: timeout, Logger: slog.New(slog.NewTextHandler(lines, nil)),
				Dial: func(ctx context.Context, config camera.Config) (Source, error) {
					attempts.Add(1)
					return dial(ctx, config)
				},
			})
			f.must(r.Open(t.Context()))
			wait.Until(t, "four attempts", func() bool { return attempts.Load() >= 4 })
			if got := r.Status()[0].LastError; !strings.HasSuffix(got, test.want) {
				t.Errorf("status %q", got)
			}
			got := lines.String()
			if strings.Count(got, "no connection to the camera") != 1 || !strings.Contains(got, test.want) || strings.Contains(got, "connected to the camera") {
				t.Errorf("after %d attempts the log has\n%s", attempts.Load(), got)
			}
			if name == "no pictures" {
				server.Resume()
				wait.Until(t, "frames", func() bool { return r.Status()[0].Frames > 0 })
				if status := r.Status()[0]; status.LastError != "" || !strings.Contains(lines.String(), "connected to the camera") {
					t.Errorf("with pictures: %+v\n%s", status, lines)
				}
			}
			f.must(r.Close())
		})
	}
}
