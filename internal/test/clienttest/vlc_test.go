// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// vlc is VLC without a screen. It refuses to run as root.
type vlc struct{ *viewer }

func (*vlc) name(t *testing.T) string { return "VLC " + debianVersion(t, "vlc-bin") }

// vlcRate is as fast as VLC plays.
const vlcRate = 31

// snapshots plays a file and returns the numbers of every n-th picture shown.
// late says that VLC could not keep up and gave pictures up; those that depend on
// them are unreadable then.
func (v *vlc) snapshots(t *testing.T, path string, every int, options ...string) (counters []int, late bool) {
	t.Helper()
	dir, err := os.MkdirTemp(v.home, "snapshots")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-vv", "--no-audio", "--intf", "dummy", "--vout", "dummy", "--play-and-exit", "--no-media-library",
		// It is to give up pictures only when it is seconds late.
		"--no-drop-late-frames", "--no-skip-frames", "--no-avcodec-hurry-up",
		"--video-filter=scene", "--scene-format=png", "--scene-path=" + dir, fmt.Sprintf("--scene-ratio=%d", every)}, options...)
	output, ok := v.try("cvlc", append(args, path)...)
	if !ok || !strings.Contains(output, "end of playlist, exiting") {
		t.Fatalf("VLC: %s", output)
	}
	if lines := complaints(output); lines != "" {
		t.Errorf("VLC complains about the file: %s", lines)
	}
	counters, unreadable := readPictures(t, filepath.Join(dir, "*.png"))
	late = strings.Contains(output, "late video -> dropping frame")
	if unreadable > 0 && !late {
		t.Errorf("%s: %d of %d pictures are not the camera's", path, unreadable, unreadable+len(counters))
	}
	return counters, late
}

// complaints are what VLC's demuxer has against the file. That there are tables
// of durations and composition offsets (STTS, CTTS), or an edit list, is none.
func complaints(output string) string {
	var lines strings.Builder
	for line := range strings.Lines(output) {
		serious := strings.Contains(line, "mp4 demux error") || strings.Contains(line, "mp4 demux warning")
		if serious && !strings.Contains(line, "TTS table of") && !strings.Contains(line, "elst box found") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// play requires VLC to show pictures of the movie in their order to the end, up to
// a second's worth. Where the machine is too busy for the highest speed, VLC plays
// again at a lower one.
func (v *vlc) play(t *testing.T, path string, m *movie) {
	const every = 5
	shown, late := v.snapshots(t, path, every, fmt.Sprintf("--rate=%d", vlcRate))
	if late {
		shown, _ = v.snapshots(t, path, every, fmt.Sprintf("--rate=%d", vlcRate/4))
	}
	want := m.counters()
	if len(shown) > 0 && shown[0] != want[0] && slices.Contains(m.leadIn(), shown[0]) {
		players.except(v.name(t), "clip by name", "VLC plays a clip to its last picture and no further, but begins with the hidden lead-in: with the last key frame before the start, less than a group of pictures earlier.")
		want = slices.Concat(m.leadIn(), want)
	}
	at := 0 // the place in want of the last picture shown
	for i, counter := range shown {
		for at < len(want) && want[at] != counter {
			at++
		}
		if at == len(want) {
			t.Fatalf("%s: picture %d shown is number %d, which does not come after %d", m.path, i, counter, shown[max(0, i-1)])
		}
	}
	if rest := len(want) - 1 - at; len(shown) == 0 || rest > vlcRate*fps {
		t.Errorf("%s: VLC ended %d pictures before the end", m.path, rest)
	}
}

// hear has VLC write the sound to a file, as fast as it can.
func (v *vlc) hear(t *testing.T, path string, m *movie) {
	raw := filepath.Join(v.home, "sound")
	output, ok := v.try("cvlc", "-vv", "--intf", "dummy", "--play-and-exit", "--no-media-library", "--no-sout-video",
		"--sout=#transcode{acodec=s16l,channels=1}:std{access=file,mux=dummy,dst="+raw+"}", path)
	data, err := os.ReadFile(raw)
	if err != nil || !ok || complaints(output) != "" {
		t.Fatalf("VLC: %v: %s", err, output)
	}
	samples := len(data) / pcmBytes
	if samples == m.soundSamples()-teststore.AudioFrameSamples {
		players.except(v.name(t), "sound", "VLC decodes all sound but one frame, 64 ms of it.")
		return
	}
	sameSound(t, m, samples)
}

func (v *vlc) seek(t *testing.T, path string, m *movie) {
	for _, position := range seekPositions(m) {
		shown, _ := v.snapshots(t, path, 1, fmt.Sprintf("--start-time=%v", position.Seconds()), "--run-time=1")
		// VLC opens a file at its beginning and seeks then; its first picture may
		// be on the screen by that time.
		for len(shown) > 0 && shown[0] == m.counterAt(0) {
			shown = shown[1:]
		}
		if len(shown) == 0 && m.inGap(position) {
			continue // no picture until the gap ends
		}
		if len(shown) == 0 {
			t.Fatalf("%s: nothing at %v", path, position)
		}
		near(t, m, position, shown[0], 1)
	}
}
