// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestLivePlaylist ensures that what ffmpeg gets by the playlist, while recordings end and
// begin, is a piece of what the hours have in the end, frame for frame, picture and sound,
// in the recorder's mount and in another one; that segments have the size that they say
// and do not change; and that no listing has any of it.
func TestLivePlaylist(t *testing.T) {
	t.Parallel()
	r := recordTwo(t, "2s")
	waitForSound(t, filepath.Join(r.beside, "driveway", "live"))
	var mu sync.Mutex // guards played
	played := make(map[string][]playedFrame)
	t.Run("players", func(t *testing.T) {
		for name, folder := range map[string]string{
			"garden/v": filepath.Join(r.mountpoint, "garden"), "driveway/v": filepath.Join(r.beside, "driveway"), "driveway/a": filepath.Join(r.mountpoint, "driveway"),
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				frames := playLive(t, filepath.Join(folder, "live", "live.m3u8"), filepath.Base(name))
				mu.Lock()
				defer mu.Unlock()
				played[name] = frames
			})
		}
		t.Run("segments", func(t *testing.T) {
			t.Parallel()
			requireImmutable(t, filepath.Join(r.beside, "driveway", "live"))
		})
	})
	for _, mountpoint := range []string{r.mountpoint, r.beside} {
		err := filepath.WalkDir(mountpoint, func(path string, _ fs.DirEntry, err error) error {
			if strings.Contains(path, "live") || strings.Contains(path, "latest") {
				t.Errorf("%s is listed", path)
			}
			return err
		})
		mustDo(t, err)
	}
	r.recorder.stop()
	for name, frames := range played {
		all, audio := playedHours(t, r.hours(t, filepath.Dir(name))...)
		if filepath.Base(name) == "a" {
			all = audio
		}
		if len(piecesAt(frames, all)) == 0 {
			t.Errorf("%s: the %d frames that were played are not a piece of the %d of the hours", name, len(frames), len(all))
		}
	}
	r.mount.stop()
}

// waitForSound waits until all segments of a playlist have sound: that of a camera which
// nobody has recorded before may begin later than its pictures, and ffmpeg cannot go on from
// segments without sound to others with it.
func waitForSound(t *testing.T, folder string) {
	t.Helper()
	wait.Until(t, "a playlist with sound", func() bool {
		playlist, err := os.ReadFile(filepath.Join(folder, "live.m3u8"))
		_, after, _ := strings.Cut(string(playlist), "#EXT-X-MAP:URI=\"")
		name, rest, ok := strings.Cut(after, "\"")
		if err != nil || !ok || strings.Contains(rest, "#EXT-X-MAP:") {
			return false
		}
		header, err := os.ReadFile(filepath.Join(folder, name))
		return err == nil && strings.Contains(string(header), "mp4a")
	})
}

// playLive plays some seconds, in which several recordings end.
func playLive(t *testing.T, playlist, stream string) []playedFrame {
	t.Helper()
	waitForFile(t, playlist)
	return parsePackets(t, playlist, tool(t, "ffmpeg", "-v", "error", "-i", playlist, "-map", "0:"+stream, "-c", "copy", "-t", "7",
		"-enc_time_base", "1:90000", "-f", "framemd5", "-"))
}

// descriptions are the files that describe the segments of a playlist.
func descriptions(playlist string) map[string]bool {
	all := make(map[string]bool)
	for line := range strings.Lines(playlist) {
		if uri, ok := strings.CutPrefix(line, "#EXT-X-MAP:"); ok {
			all[uri] = true
		}
	}
	return all
}

// requireImmutable reads segments again and again, until several recordings have begun:
// all of them have their bytes for good, and one description.
func requireImmutable(t *testing.T, folder string) {
	t.Helper()
	waitForFile(t, filepath.Join(folder, "live.m3u8"))
	read := make(map[string]string)
	for len(read) < 16 {
		playlist, err := os.ReadFile(filepath.Join(folder, "live.m3u8"))
		mustDo(t, err)
		if d := descriptions(string(playlist)); len(d) != 1 {
			t.Errorf("%d descriptions in\n%s", len(d), playlist)
		}
		for line := range strings.Lines(string(playlist)) {
			name := strings.TrimSpace(line)
			if !strings.HasSuffix(name, ".m4s") {
				continue
			}
			data, size, err := readWhole(filepath.Join(folder, name))
			mustDo(t, err)
			if int64(len(data)) != size || read[name] != "" && read[name] != string(data) {
				t.Errorf("%s has %d bytes, said %d, and had %d before", name, len(data), size, len(read[name]))
			}
			read[name] = string(data)
		}
	}
	for _, name := range []string{"1-00000000.m4s", "init-.mp4", "live.m3u", "x"} {
		if _, err := os.Stat(filepath.Join(folder, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wait.Until(t, "the page", func() bool {
		page, err := os.ReadFile(filepath.Join(folder, "index.html"))
		return err == nil && strings.Contains(string(page), "script-src 'sha256-")
	})
}
