// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Ensures that a time lapse shows the key frames of its interval, is as long as its size
// says, is the same in another mount, and is not there where there is no footage.
func TestTimelapses(t *testing.T) {
	path, _ := film(t, unlimited,
		filmed{start: "2026-11-22T13:00:00-05:00", minutes: 4},
		filmed{start: "2026-11-22T13:04:00-05:00", minutes: 1, camera: 1},
	)
	s, other := startServer(t, serveOptions{Store: path}), startServer(t, serveOptions{Store: path})
	const date = "yard/clips/2026-11-22 timelapse 10x.mp4"
	lapse, clip := s.path(date), s.path("yard/clips/2026-11-22T13.00.00--13.04.00.mp4")
	shown, taken := shownNumbers(t, lapse, pictureWidth), shownNumbers(t, clip, pictureWidth)
	keys := keyFrameNumbers(t, clip, taken)
	if len(keys) < 4 || !slices.Equal(shown, keys) {
		t.Errorf("shown are %v, the key frames are %v", shown, keys)
	}
	content := mustRead(t, lapse)
	if st := stat(t, lapse); st.Size != int64(len(content)) || st.Mode != syscall.S_IFREG|0o400 {
		t.Errorf("%+v", st)
	}
	if !bytes.Equal(content, mustRead(t, other.path(date))) || stat(t, lapse).Ino != stat(t, other.path(date)).Ino {
		t.Error("another mount has another one")
	}
	if got := shownNumbers(t, s.path("yard/clips/2026-11-22 timelapse 10x-2.mp4"), otherWidth); len(got) == 0 {
		t.Error("the second part shows nothing")
	}
	for name, want := range map[string]error{
		"2026-11-21 timelapse 60x.mp4":                               fs.ErrNotExist,
		"2026-11-22 timelapse 60x-3.mp4":                             fs.ErrNotExist,
		"2026-11-22 timelapse 5x.mp4":                                fs.ErrNotExist,
		"2026-11-22T00.00.00--2026-11-23T00.00.01 timelapse 60x.mp4": syscall.EINVAL,
	} {
		if _, err := os.Stat(s.path("yard/clips", name)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// keyFrameNumbers returns the numbers of those pictures of a file that are key frames.
func keyFrameNumbers(t *testing.T, path string, numbers []int) (keys []int) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=flags", "-of", "csv=p=0", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	for i, flags := range strings.Fields(string(out)) {
		if strings.HasPrefix(flags, "K") {
			keys = append(keys, numbers[i])
		}
	}
	return keys
}
