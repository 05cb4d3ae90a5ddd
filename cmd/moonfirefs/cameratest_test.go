// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// requireNoSecret fails if a password of these tests is in an output.
func requireNoSecret(t *testing.T, output string) {
	t.Helper()
	if strings.Contains(output, "s3cret") {
		t.Errorf("the password is in %q", output)
	}
}

// numberAfter is the number that follows a text.
func numberAfter(t *testing.T, output, text string) (n float64) {
	t.Helper()
	_, after, _ := strings.Cut(output, text)
	if _, err := fmt.Sscan(after, &n); err != nil {
		t.Errorf("no number after %q in\n%s", text, output)
	}
	return n
}

// TestCameraTest ensures that a camera can be looked at before and after it is
// added, for people and for programs, and that the exit status tells whether it
// can be recorded.
func TestCameraTest(t *testing.T) {
	t.Parallel()
	good := startCamera(t, testcamera.Config{KeepSent: 1, Username: "admin", Password: "s3cret", WithoutSprop: true})
	audio := startCamera(t, testcamera.Config{KeepSent: 1, Describes: testcamera.AudioOnly})
	path := newStore(t)
	url := strings.Replace(good.URL(), "rtsp://", "rtsp://admin:s3cret@", 1) + "?token=s3cret"
	output, status := run(t, "camera", "test", "--for", "2s", url)
	requireNoSecret(t, output)
	for _, want := range []string{
		"Testing " + good.URL() + "?token=***", "H.264 (avc1.", "320×180", "frames/s", "kbit/s", "15 frames, ", "audio        none", "warning", "sprop",
		"time stamps  as fast as time", " 0 lost", "password     digest ", "kept alive   ",
	} {
		if status != exitOK || !strings.Contains(output, want) {
			t.Errorf("status %d, want %q in\n%s", status, want, output)
		}
	}
	// A busy machine has a camera's pictures late, and then sooner after each other.
	if rate, seconds := numberAfter(t, output, "frame rate   "), numberAfter(t, output, "15 frames, "); seconds*rate < 15/2. || seconds*rate > 15*2 {
		t.Errorf("15 frames take %.1f s at a rate of %.1f frames/s", seconds, rate)
	}

	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", url, "--retain", "1GB", "--sub", audio.URL(), "--sub-retain", "1GB")
	output, status = run(t, "camera", "test", "Driveway", "--for", "1s", "--json", "--store", path)
	requireNoSecret(t, output)
	var results []struct {
		Camera, Stream, URL, Error, Codec string
		Width                             int
	}
	_, output, _ = strings.Cut(output, "\n[")
	if err := json.NewDecoder(strings.NewReader("[" + output)).Decode(&results); err != nil || len(results) != 2 || status != exitFailure {
		t.Fatalf("%v: status %d, %s", err, status, output)
	}
	if r := results[0]; r.Camera != "driveway" || r.Stream != "main" || r.Codec != "H.264" || r.Width != 320 || r.Error != "" {
		t.Errorf("%+v", r)
	}
	if r := results[1]; r.Stream != "sub" || !strings.HasSuffix(r.Error, "no video stream") || r.URL != audio.URL() {
		t.Errorf("%+v", r)
	}
	requireOutput(t, exitFailure, []string{`no camera "garden"`, "camera list"}, "camera", "test", "garden", "--store", path)
	requireOutput(t, exitUsage, []string{"--for"}, "camera", "test", url, "--for", "0s")
	requireOutput(t, exitUsage, []string{"--certificate"}, "camera", "test", url, "--certificate", "roots")
	requireOutput(t, exitUsage, []string{"64 hexadecimal digits"}, "camera", "test", "rtsps://127.0.0.1:1/", "--certificate", "ab")
}

// TestCameraAddTests ensures that a camera that cannot be recorded is not added by
// mistake, and that one that can be is described.
func TestCameraAddTests(t *testing.T) {
	t.Parallel()
	good := startCamera(t, testcamera.Config{KeepSent: 1, Username: "admin", Password: "s3cret"})
	path := newStore(t)
	right := strings.Replace(good.URL(), "rtsp://", "rtsp://admin:s3cret@", 1)
	add := func(name, url string, more ...string) (string, int) {
		return run(t, append([]string{"camera", "add", "--store", path, name, url, "--retain", "1GB"}, more...)...)
	}
	tests := map[string]struct {
		name, url string
		more      []string
		want      []string
		status    int
	}{
		"good":           {"driveway", right, nil, []string{"The main stream: H.264, 320×180, ", "Added camera driveway."}, exitOK},
		"wrong password": {"garden", strings.Replace(right, "s3cret", "s3crets", 1), nil, []string{"401", "--no-test"}, exitFailure},
		"bad sub stream": {"porch", right, []string{"--sub", good.URL() + "2", "--sub-retain", "1GB"}, []string{"404", "--no-test"}, exitFailure},
		"bad name":       {"a/b", "rtsp://127.0.0.1:1/", nil, []string{"camera name"}, exitFailure},
		"all the same":   {"shed", "rtsp://127.0.0.1:1/", []string{"--no-test"}, []string{"Added camera shed."}, exitOK},
	}
	for name, test := range tests {
		output, status := add(test.name, test.url, test.more...)
		requireNoSecret(t, output)
		for _, want := range test.want {
			if status != test.status || !strings.Contains(output, want) {
				t.Errorf("%s: status %d, want %d and %q in\n%s", name, status, test.status, want, output)
			}
		}
	}
	// Of a name that is taken, it is said at once.
	if output, status := add("Driveway", right); status != exitFailure || strings.Contains(output, "Testing") {
		t.Errorf("status %d: %s", status, output)
	}
	list := mustRun(t, "camera", "list", "--store", path)
	for name, want := range map[string]bool{"driveway": true, "shed": true, "garden": false, "porch": false} {
		if strings.Contains(list, name) != want {
			t.Errorf("%s is in the list: %v, in\n%s", name, !want, list)
		}
	}
}
