// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/status"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// newTestHook runs a command, and ends with the test.
func newTestHook(t *testing.T, command string, pause, timeout time.Duration) (h *hook, log *syncbuffer.Buffer, end func()) {
	log = &syncbuffer.Buffer{}
	ctx, cancel := context.WithCancel(context.Background())
	h = newHook(ctx, &Options{Hook: command, HookPause: pause, HookTimeout: timeout, Logger: slog.New(slog.NewTextHandler(log, nil))})
	end = func() { cancel(); h.wait() }
	t.Cleanup(end)
	return h, log, end
}

func reportOf(problems ...status.Problem) *status.Report {
	return &status.Report{
		Time: time.Now(), Problems: problems,
		Streams: []status.Stream{{Camera: "driveway", Stream: moonfirefs.MainStream, Folder: "driveway"}},
	}
}

var (
	away = status.Problem{Kind: status.CameraAway, Folder: "driveway", Since: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Text: "Camera driveway has been away."}
	full = status.Problem{Kind: status.DiskFull, Directory: "/media/a", Text: "The disk of /media/a is full."}
)

func (h *hook) idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.running) == 0
}

// Ensures that the command learns of each event, once, with everything in its
// environment, and that it gets nothing that is meant for the recorder.
func TestHookEvents(t *testing.T) {
	t.Setenv("MOONFIREFS_CAMERA_PASSWORD", "s3cret")
	t.Setenv("NOTIFY_SOCKET", "/s3cret")
	path := filepath.Join(t.TempDir(), "events")
	h, log, _ := newTestHook(t, `env | grep -E 's3cret|^MOONFIREFS_' | grep -v MOONFIREFS_TIME | sort | tr '\n' ' ' >> `+path+`; echo >> `+path, 0, wait.Limit)
	for _, r := range []*status.Report{
		reportOf(), // nothing has happened: a camera that was there all the time is not back
		reportOf(away), reportOf(away), reportOf(away, full), reportOf(full), reportOf(),
	} {
		// The second look has nothing new.
		for range 2 {
			h.observe(r)
			wait.Until(t, "the command to end", h.idle)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `MOONFIREFS_CAMERA=driveway MOONFIREFS_EVENT=camera-lost MOONFIREFS_FOLDER=driveway MOONFIREFS_PROBLEM=camera-away MOONFIREFS_SINCE=2026-11-22T12:00:00Z MOONFIREFS_STREAM=main MOONFIREFS_TEXT=Camera driveway has been away. 
MOONFIREFS_DIRECTORY=/media/a MOONFIREFS_EVENT=disk-trouble MOONFIREFS_PROBLEM=disk-full MOONFIREFS_TEXT=The disk of /media/a is full. 
MOONFIREFS_CAMERA=driveway MOONFIREFS_EVENT=camera-back MOONFIREFS_FOLDER=driveway MOONFIREFS_STREAM=main MOONFIREFS_TEXT=Camera driveway is back. 
MOONFIREFS_DIRECTORY=/media/a MOONFIREFS_EVENT=disk-recovered MOONFIREFS_TEXT=The disk of /media/a is in order again. 
`
	if diff := cmp.Diff(want, string(data)); diff != "" || log.String() != "" {
		t.Errorf("what the command was told (-want +got):\n%slog:\n%s", diff, log)
	}
}

// Ensures that a camera that comes and goes is told of once in a while, that what
// is told last is true, and that nothing queues up.
func TestHookPause(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	h, _, _ := newTestHook(t, `echo $MOONFIREFS_EVENT >> `+path, time.Hour, wait.Limit)
	for range 100 {
		h.observe(reportOf(away))
		wait.Until(t, "the command to end", h.idle)
		h.observe(reportOf())
	}
	for _, told := range h.told {
		told.at = told.at.Add(-time.Hour)
	}
	h.observe(reportOf())
	wait.Until(t, "the command to end", h.idle)
	if data, err := os.ReadFile(path); err != nil || string(data) != "camera-lost\ncamera-back\n" {
		t.Errorf("the command was told %q (%v)", data, err)
	}
}

// Ensures that commands that hang are bounded in number, do not hold up who
// observes, are killed with what they have started, and that the rest is told
// afterwards.
func TestHookHangs(t *testing.T) {
	dir := t.TempDir()
	h, log, _ := newTestHook(t, `echo $MOONFIREFS_FOLDER >> `+dir+`/told; sleep 1000 & echo $! >> `+dir+`/pids; wait`, time.Hour, time.Second)
	var problems []status.Problem
	for i := range 5 {
		problems = append(problems, status.Problem{Kind: status.CameraAway, Folder: fmt.Sprint("camera", i)})
	}
	wait.Until(t, "all five to be told", func() bool {
		h.observe(reportOf(problems...))
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.running) > maxHooks {
			t.Fatalf("%d commands run at a time", len(h.running))
		}
		return len(h.told) == 5 && len(h.running) == 0
	})
	requireDead(t, filepath.Join(dir, "pids")) // of those that got as far as to start one
	if strings.Count(log.String(), "took too long") != 5 {
		t.Errorf("log:\n%s", log)
	}
}

// requireDead requires processes, whose ids are in a file, to have ended.
func requireDead(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		t.Fatalf("%q (%v), want process ids", data, err)
	}
	for line := range strings.Lines(string(data)) {
		var pid int
		if _, err := fmt.Sscan(line, &pid); err != nil {
			t.Fatal(err)
		}
		wait.Until(t, "the end of process "+line, func() bool {
			state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return err != nil || strings.Contains(string(state), ") Z ") || syscall.Kill(pid, 0) != nil
		})
	}
}

// Ensures that a command that runs when the recorder ends is killed.
func TestHookAtShutdown(t *testing.T) {
	dir := t.TempDir()
	h, log, end := newTestHook(t, `sleep 1000 & echo $! >> `+dir+`/pids; wait`, 0, time.Hour)
	h.observe(reportOf(full))
	wait.Until(t, "the command to run", func() bool {
		data, _ := os.ReadFile(filepath.Join(dir, "pids"))
		return bytes.HasSuffix(data, []byte("\n"))
	})
	end()
	requireDead(t, filepath.Join(dir, "pids"))
	if log.String() != "" {
		t.Errorf("log:\n%s", log)
	}
}

// Ensures that a command that fails is in the log, with the end of what it said.
func TestHookFails(t *testing.T) {
	h, log, _ := newTestHook(t, `seq 100000; echo no route to the mail server >&2; exit 3`, 0, wait.Limit)
	h.observe(reportOf(away))
	wait.Until(t, "the command to end", h.idle)
	if got := log.String(); !strings.Contains(got, "exit status 3") || !strings.Contains(got, "no route to the mail server") || len(got) > 2*maxHookOutput {
		t.Errorf("log:\n%s", got)
	}
}
