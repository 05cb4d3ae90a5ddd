// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/pages"
)

func (s *server) report(r *status.Report) {
	s.t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.tell("status " + string(text))
}

// reportAt is what a recorder could say of the fixture's first stream.
func reportAt(when time.Time, problems ...status.Problem) *status.Report {
	return &status.Report{
		Time: when, Since: when.Add(-time.Hour), TimeZoneName: newYork, Problems: append([]status.Problem{}, problems...),
		Streams: []status.Stream{{
			Camera: "driveway", Stream: moonfirefs.MainStream, Folder: "driveway", Directory: "/media/a", BitRate: 2_100_000,
			Live: &status.Live{ConnectedSince: when.Add(-time.Hour), LastFrame: when},
		}},
		Directories: []status.Directory{{Path: "/media/a", SizeBytes: 2e12, AvailableBytes: 1e12}},
	}
}

// Ensures that the mount tells of the recorder in status.json and on the page of the
// root, what is wrong first; that a page has its version, size and time stamp from
// what it says; and that no other file is touched by it.
func TestStatusInMount(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 2, Seconds: 10})
	s := startServer(t, serveOptions{Store: path, Status: true})
	page, data := s.path("index.html"), s.path("status.json")
	if _, err := os.Stat(data); !errors.Is(err, os.ErrNotExist) || slices.Contains(names(t, s.mountpoint), pages.StatusName) {
		t.Errorf("there is a status before there is one: %v", err)
	}
	if text := string(mustRead(t, page)); strings.Contains(text, "as of") {
		t.Errorf("the page tells of a status:\n%s", text)
	}
	others := []string{"index.json", "driveway/index.html", "driveway/index.json", "driveway/2026-11-22/13.mp4"}
	before := make(map[string]syscall.Stat_t)
	for _, name := range others {
		before[name] = stat(t, s.path(name))
	}

	when := time.Date(2026, 11, 22, 18, 30, 0, 0, time.UTC)
	first, wrong := reportAt(when), reportAt(when.Add(10*time.Second), status.Problem{
		Kind: status.CameraAway, Folder: "driveway", Text: "Camera <driveway> offline since 2026-11-22 13:30.",
	})
	seen := make(map[uint64]bool)
	for i, step := range []struct {
		report *status.Report
		head   string
	}{
		{first, "OK, as of"}, {wrong, "<h2>Problems</h2>"}, {reportAt(when.Add(time.Minute)), "OK, as of"},
	} {
		s.report(step.report)
		wait.Until(t, "the page to move on", func() bool { return strings.Contains(string(mustRead(t, page)), step.head) })
		wait.Until(t, "status.json to move on", func() bool { return stat(t, data).Mtim.Sec == step.report.Time.Unix() })
		for _, name := range []string{page, data} {
			now := stat(t, name)
			if content := mustRead(t, name); int64(len(content)) != now.Size || now.Mtim.Sec != step.report.Time.Unix() || seen[now.Ino] {
				t.Errorf("step %d: %s has %d bytes; stat says %+v", i, name, len(content), now)
			}
			seen[now.Ino] = true
		}
		got := new(status.Report)
		if err := json.Unmarshal(mustRead(t, data), got); err != nil || !reflect.DeepEqual(got, step.report) {
			t.Errorf("step %d: status.json says %+v (%v)", i, got, err)
		}
		if step.report == wrong {
			text := string(mustRead(t, page))
			sentence := strings.Index(text, "Camera &lt;driveway&gt; offline")
			if rest := strings.Index(text, "full quality"); sentence < 0 || rest < sentence {
				t.Errorf("what is wrong is not at the top:\n%s", text)
			}
		}
	}
	if !slices.Contains(names(t, s.mountpoint), pages.StatusName) {
		t.Error("status.json is not listed")
	}
	for _, name := range others {
		if now := stat(t, s.path(name)); now != before[name] {
			t.Errorf("%s was %+v and is %+v", name, before[name], now)
		}
	}
}

// Ensures that a handle keeps the status that it opened, and that the same report
// is the same file.
func TestStatusVersions(t *testing.T) {
	path, _ := newStore(t, newYork, unlimited)
	s := startServer(t, serveOptions{Store: path, Status: true})
	when := time.Date(2026, 11, 22, 18, 30, 0, 0, time.UTC)
	s.report(reportAt(when))
	data := s.path("status.json")
	before, want, old := stat(t, data), mustRead(t, data), mustOpen(t, data)
	s.report(reportAt(when.Add(time.Minute)))
	wait.Until(t, "the status to move on", func() bool { return stat(t, data).Ino != before.Ino })
	if kept, err := io.ReadAll(old); err != nil || !slices.Equal(kept, want) {
		t.Errorf("the old handle gave %d bytes of %d: %v", len(kept), len(want), err)
	}
	s.report(reportAt(when))
	wait.Until(t, "the status to be the first one again", func() bool { return stat(t, data).Ino == before.Ino })
}

// Ensures that a mount is alive while it is served, and not when it is gone.
func TestAlive(t *testing.T) {
	path, _ := newStore(t, newYork, unlimited)
	s := startServer(t, serveOptions{Store: path})
	s.tell("alive")
	if err := unix.Unmount(s.mountpoint, 0); err != nil {
		t.Fatal(err)
	}
	s.tell("gone")
}
