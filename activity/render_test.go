// SPDX-License-Identifier: GPL-3.0-or-later

package activity

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// scene is footage whose motion is known: a still picture with a sensor's noise, through
// which something moves at times.
type scene struct {
	minutes, fps int
	// noise is the strength of ffmpeg's filter, different in each frame.
	noise int
	// size is that of what moves, of a picture of 192×108.
	size string
	// motion is from second to second.
	motion [][2]int
	// rate are the options that tell the encoder how many bytes to spend.
	rate []string
}

// moving are the minutes with motion.
func (s *scene) moving() []bool {
	minutes := make([]bool, s.minutes)
	for _, m := range s.motion {
		for second := m[0]; second < m[1]; second++ {
			minutes[second/60] = true
		}
	}
	return minutes
}

func (s *scene) seconds() int { return 60 * s.minutes }

// render encodes the scene and returns its samples.
func (s *scene) render(t *testing.T) []moonfirefs.Sample {
	t.Helper()
	moves := make([]string, 0, len(s.motion))
	for _, m := range s.motion {
		moves = append(moves, fmt.Sprintf("gte(t,%d)*lt(t,%d)", m[0], m[1]))
	}
	path := filepath.Join(t.TempDir(), "scene.mp4")
	args := []string{
		"-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("smptehdbars=s=192x108:r=%d", s.fps),
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc=s=%s:r=%d", s.size, s.fps),
		"-filter_complex", fmt.Sprintf("[0][1]overlay=x='mod(17*t,192)-20':y=50:enable='%s',noise=alls=%d:allf=t", strings.Join(moves, "+"), s.noise),
		"-t", strconv.Itoa(s.seconds()), "-pix_fmt", "yuv420p", "-g", strconv.Itoa(2 * s.fps), "-bf", "0", "-threads", "1",
		"-c:v", "libx264", "-preset", "veryfast", "-sc_threshold", "0",
	}
	run(t, "ffmpeg", append(append(args, s.rate...), "-y", path)...)
	packets := run(t, "ffprobe", "-v", "error", "-show_entries", "packet=size,flags", "-of", "csv=p=0", path)
	var samples []moonfirefs.Sample
	for _, line := range strings.Fields(packets) {
		size, flags, _ := strings.Cut(line, ",")
		bytes, err := strconv.Atoi(size)
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, moonfirefs.Sample{
			Duration90k: int32(moonfirefs.UnitsPerSecond / s.fps), Bytes: int32(bytes), Sync: strings.HasPrefix(flags, "K"),
		})
	}
	if want := s.seconds() * s.fps; len(samples) != want {
		t.Fatalf("ffmpeg made %d frames, want %d", len(samples), want)
	}
	return samples
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}
