// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// run runs a program that must succeed and have nothing to say on stderr.
func run(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	cmd := exec.Command(name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		tb.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, stderr.String())
	}
	return stdout.String()
}

// packet is what ffmpeg found a sample to be.
type packet struct {
	dts90k, duration90k int64
	md5                 string
}

// packets has ffmpeg demultiplex the video of the file at path.
func packets(tb testing.TB, path string) []packet {
	tb.Helper()
	out := run(tb, "ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-c", "copy", "-copyts", "-f", "framemd5", "-")
	var found []packet
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, ",")
		if len(fields) < 6 {
			tb.Fatalf("framemd5 says %q", line)
		}
		var p packet
		if _, err := fmt.Sscan(fields[1]+fields[3], &p.dts90k, &p.duration90k); err != nil {
			tb.Fatalf("framemd5 says %q: %v", line, err)
		}
		p.md5 = strings.TrimSpace(fields[5])
		found = append(found, p)
	}
	return found
}

func equalPackets(tb testing.TB, got, want []packet) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("got %d packets, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			tb.Fatalf("packet %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}

// decode has ffmpeg decode all of the video and the subtitles at path.
func decode(tb testing.TB, path string) {
	tb.Helper()
	run(tb, "ffmpeg", "-v", "error", "-i", path, "-map", "0", "-c:s", "ass", "-f", "matroska", "-c:v", "rawvideo", "-fps_mode", "passthrough", "-y", "/dev/null")
}

// decodedFrames returns digests of the pictures that ffmpeg presents.
func decodedFrames(tb testing.TB, path string) []string {
	tb.Helper()
	out := run(tb, "ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-")
	var digests []string
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "#") {
			fields := strings.Split(line, ",")
			digests = append(digests, fields[len(fields)-1])
		}
	}
	return digests
}

// shown is a picture and when it is shown.
type shown struct {
	pts90k int64
	md5    string
}

// shownPictures returns what ffmpeg presents of the video at path, about which it
// must have nothing to say.
func shownPictures(path string) (pictures []shown, err error) {
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-fps_mode", "passthrough",
		"-enc_time_base", "1:90000", "-f", "framemd5", "-").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, ",")
		if len(fields) < 6 {
			return nil, fmt.Errorf("ffmpeg says %q", line)
		}
		var p shown
		if _, err := fmt.Sscan(fields[2], &p.pts90k); err != nil {
			return nil, fmt.Errorf("ffmpeg says %q: %w", line, err)
		}
		p.md5 = strings.TrimSpace(fields[5])
		pictures = append(pictures, p)
	}
	return pictures, nil
}

func mustShow(tb testing.TB, path string) []shown {
	tb.Helper()
	pictures, err := shownPictures(path)
	if err != nil {
		tb.Fatal(err)
	}
	return pictures
}
