// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// backup is what rsync has made of a mount.
type backup struct {
	*viewer
	t    *testing.T
	copy string
}

func newBackup(t *testing.T) *backup {
	t.Helper()
	v := newViewer(t)
	return &backup{v, t, filepath.Join(v.home, "copy")}
}

func rsyncName(t *testing.T) string { return "rsync " + debianVersion(t, "rsync") }

// rsync copies the mount, and returns the files of footage that were sent, sorted.
// It requires the index pages among the rest of what was sent, and nothing else.
func (b *backup) rsync(from *server, options ...string) (sent []string) {
	b.t.Helper()
	args := append([]string{"-a", "--exclude=/status.json", "--out-format=%n"}, options...) // as in docs/backup.md
	out := b.run(b.t, "rsync", append(args, from.mountpoint+"/", b.copy+"/")...)
	for line := range strings.Lines(string(out)) {
		switch name := strings.TrimSpace(line); {
		case strings.HasSuffix(name, ".mp4"):
			sent = append(sent, name)
		case strings.HasSuffix(name, "/"), isPage(name), strings.HasPrefix(name, "."):
		default:
			b.t.Errorf("rsync sent %q", name)
		}
	}
	slices.Sort(sent)
	return sent
}

// isPage tells an index page.
func isPage(name string) bool {
	return slices.Contains([]string{"index.html", "index.json"}, filepath.Base(name))
}

// sizes are the sizes of the files of footage in the copy.
func (b *backup) sizes() map[string]int64 {
	b.t.Helper()
	sizes := make(map[string]int64)
	err := filepath.WalkDir(b.copy, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".mp4") {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			sizes[strings.TrimPrefix(path, b.copy+"/")] = info.Size()
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return sizes
}

// expectSent requires rsync to send these files of footage and no others.
func expectSent(t *testing.T, when string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s, rsync sent %q, want %q", when, got, want)
	}
}

// TestRsync ensures that a backup by rsync is complete, that a second one sends
// nothing but what is new, also after a restart, and that rotation costs the
// backup nothing.
func TestRsync(t *testing.T) {
	t.Parallel()
	name := rsyncName(t)
	t.Run("again", func(t *testing.T) {
		copiers.check(t, name, "again", func(t *testing.T) { testRsyncAgain(t, name) })
	})
	t.Run("rotation", func(t *testing.T) { copiers.check(t, name, "rotated away", testRsyncRotation) })
}

func testRsyncAgain(t *testing.T, name string) {
	g := newGrowing(t, mustMedia(t, mainMedia), 1000)
	g.record(3)
	g.skipTo(14)
	g.record(2)
	m, b := mount(t, g.path), newBackup(t)
	expectSent(t, "at first", b.rsync(m), "yard/2026-11-22/13.mp4", "yard/2026-11-22/14.mp4")
	sameTree(t, m.mountpoint, b.copy)
	copiers.set(name, "same bytes", "yes")
	expectSent(t, "the second time", b.rsync(m))
	expectSent(t, "with -c", b.rsync(m, "-c"))

	m.stop()
	m = mountAt(t, g.path, m.mountpoint)
	expectSent(t, "after a restart", b.rsync(m))
	m.stop()
	m = mount(t, g.path)
	expectSent(t, "after mounting elsewhere", b.rsync(m))
	expectSent(t, "after mounting elsewhere, with -c", b.rsync(m, "-c"))

	g.record(1)
	wait.Until(t, "the hour to grow", func() bool {
		return statSize(t, m.path("yard/2026-11-22/14.mp4")) > b.sizes()["yard/2026-11-22/14.mp4"]
	})
	expectSent(t, "when the hour has grown", b.rsync(m), "yard/2026-11-22/14.mp4")
	copiers.set(name, "growing hour", "yes")
	g.record(1)
	g.skipTo(15)
	g.record(1)
	wait.Until(t, "the next hour", func() bool { _, err := os.Stat(m.path("yard/2026-11-22/15.mp4")); return err == nil })
	expectSent(t, "when the hour has closed", b.rsync(m), "yard/2026-11-22/14.mp4", "yard/2026-11-22/15.mp4")
	expectSent(t, "at last, with -c", b.rsync(m, "-c"))
	sameTree(t, m.mountpoint, b.copy)
}

func statSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// testRsyncRotation backs up after each recording, while rotation eats its way
// through the hours.
func testRsyncRotation(t *testing.T) {
	g := newGrowing(t, mustMedia(t, mainMedia), 4)
	m, b := mount(t, g.path), newBackup(t)
	for hour := 13; hour < 17; hour++ {
		g.skipTo(hour)
		for range 3 {
			before := map[string]int64{}
			if hour > 13 {
				before = b.sizes()
			}
			g.record(1)
			b.rsync(m)
			after := b.sizes()
			for name, size := range before {
				if after[name] < size {
					t.Errorf("%s had %d bytes in the copy and now has %d", name, size, after[name])
				}
			}
		}
	}
	if sizes := b.sizes(); len(sizes) != 4 {
		t.Errorf("the copy has %v, want four hours", sizes)
	}
	if listed := footageFiles(t, m.mountpoint); len(listed) > 2 {
		t.Errorf("rotation has not happened: %v", listed)
	}
	for path := range b.sizes() {
		b.run(t, "ffmpeg", "-v", "error", "-i", filepath.Join(b.copy, path), "-f", "null", "-")
	}
}
