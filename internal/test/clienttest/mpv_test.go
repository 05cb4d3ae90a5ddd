// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mpv is mpv without a screen: it writes each picture that it shows to a file.
type mpv struct{ *viewer }

func (*mpv) name(t *testing.T) string { return "mpv " + debianVersion(t, "mpv") }

// show returns the numbers of the pictures that mpv shows.
func (v *mpv) show(t *testing.T, path string, options ...string) []int {
	t.Helper()
	dir, err := os.MkdirTemp(v.home, "pictures")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--no-config", "--no-audio", "--no-sub", "--vo=image", "--vo-image-format=png", "--vo-image-outdir=" + dir,
		"--vo-image-png-compression=0", "--vo-image-png-filter=0", fmt.Sprintf("--vf=scale=%d:%d", grayWidth, grayHeight), "--untimed", "--framedrop=no", "--msg-level=all=warn"}, options...)
	if output, ok := v.try("mpv", append(args, path)...); !ok || strings.Contains(output, "rror") {
		t.Fatalf("mpv: %s", output)
	}
	counters, unreadable := readPictures(t, filepath.Join(dir, "*.png"))
	if unreadable > 0 {
		t.Errorf("%s: %d pictures are not the camera's", path, unreadable)
	}
	return counters
}

func (v *mpv) play(t *testing.T, path string, m *movie) {
	shown := v.show(t, path)
	if lead := m.leadIn(); len(lead) > 0 && len(shown) > len(lead) && slices.Equal(shown[:len(lead)], lead) {
		players.except(v.name(t), "clip by name", "mpv plays a clip to its last picture and no further, but begins with the hidden lead-in, as VLC does.")
		shown = shown[len(lead):]
	}
	sameCounters(t, m, shown)
}

// hear has mpv write the sound to a file, whose header says how much there is.
func (v *mpv) hear(t *testing.T, path string, m *movie) {
	file := filepath.Join(v.home, "sound.wav")
	if output, ok := v.try("mpv", "--no-config", "--no-video", "--ao=pcm", "--ao-pcm-file="+file, "--audio-format=s16", "--msg-level=all=warn", path); !ok {
		t.Fatalf("mpv: %s", output)
	}
	data, err := os.ReadFile(file)
	if err != nil || len(data) < 44 {
		t.Fatalf("mpv wrote %d bytes (%v)", len(data), err)
	}
	frameBytes := int(data[32]) + int(data[33])<<8 // of all channels
	header := strings.Index(string(data), "data") + 8
	sameSound(t, m, (len(data)-header)/frameBytes)
}

func (v *mpv) seek(t *testing.T, path string, m *movie) {
	for _, position := range seekPositions(m) {
		shown := v.show(t, path, fmt.Sprintf("--start=%v", position.Seconds()), "--hr-seek=yes", "--frames=1")
		if len(shown) != 1 {
			t.Fatalf("%s: %d pictures at %v", path, len(shown), position)
		}
		near(t, m, position, shown[0], 1)
	}
}
