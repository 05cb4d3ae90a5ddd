// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/rtsp"
	"github.com/moonfirefs/moonfirefs/internal/test/gstserver"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// TestTunnelled ensures that a camera which is reached through HTTP is recorded as any other,
// encrypted or not.
func TestTunnelled(t *testing.T) {
	audio, err := testcamera.EncodeAudio(t.Context(), testcamera.AAC, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	camera := startCamera(t, testcamera.Config{Username: username, Password: plantedPassword, Audio: audio})
	_, path, _ := strings.Cut(camera.URL(), "://")
	_, secure, _ := strings.Cut(encrypted(t, camera, selfSigned(t)), "://")
	for _, url := range []string{"rtsp+http://" + path, "rtsp+https://" + secure} {
		before := len(camera.Sent()) // the camera may play for long before a starved test goes on
		session := openSession(t, Config{URL: url, Username: username, Password: plantedPassword, Audio: true})
		frames := read(t, session, 20)
		compareWithSent(t, frames, camera.Sent()[before:])
		session.Close()
	}
	cfg := Config{URL: "rtsp+http://" + path, Transport: moonfirefs.UDP}
	if _, err := Open(t.Context(), cfg); !errors.Is(err, rtsp.ErrTunnelTransport) || !Refuses(err) {
		t.Errorf("by UDP: %v", err)
	}
}

// startGStreamer starts GStreamer's server, which plays a file once to each client.
func startGStreamer(t *testing.T, path string) (url string) {
	t.Helper()
	server := gstserver.Command(fmt.Sprintf("( filesrc location=%s ! matroskademux ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 )", path))
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait() // it is killed
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return gstserver.URL(strings.TrimSpace(port), 0)
}

// TestTunnelOfGStreamer ensures that what is sent through HTTP is what another server
// understands.
func TestTunnelOfGStreamer(t *testing.T) {
	m := mux(t, testcamera.H264, "", "gstreamer.mkv")
	url := startGStreamer(t, m.path)
	session := openSession(t, Config{URL: strings.Replace(url, "rtsp://", "rtsp+http://", 1)})
	m.requireFrames(t, session, 20)
}
