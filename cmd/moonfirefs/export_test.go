// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// TestExport ensures that an export beside a running recorder has the bytes of the
// clip in the mount, as a file and on standard output.
func TestExport(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path, mountpoint, dir := newStore(t), newMountpoint(t), t.TempDir()
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, 2)
	from := newestStart(t, path).Truncate(time.Second)
	to := from.Add(2 * time.Second)
	waitForRecordings(t, path, recordings(t, path, 1)+5)
	want, _, err := readWhole(clipOf(t, mountpoint, from, to))
	mustDo(t, err)

	file := filepath.Join(dir, "burglary.mp4")
	args := []string{"export", "--store", path, "driveway", newYork(t, from), newYork(t, to), "-o"}
	requireOutput(t, exitOK, []string{"Wrote " + file}, append(args, file, "--progress")...)
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the file differs from the clip (%v)", err)
	}
	tool(t, "ffmpeg", "-v", "error", "-i", file, "-f", "null", "-")
	mustDo(t, os.WriteFile(file, []byte("precious"), 0o600))
	requireOutput(t, exitFailure, []string{"--force"}, append(args, file)...)
	if got, err := os.ReadFile(file); err != nil || string(got) != "precious" {
		t.Errorf("the file was replaced (%v)", err)
	}
	mustRun(t, append(args, file, "--force")...)
	var out, problems bytes.Buffer
	if status := execute(t.Context(), append(args, "-"), strings.NewReader(""), &out, &problems); status != exitOK || !bytes.Equal(out.Bytes(), want) {
		t.Errorf("standard output has %d of %d bytes; %s", out.Len(), len(want), &problems)
	}
	device := filepath.Join(dir, "null")
	mustDo(t, syscall.Mknod(device, syscall.S_IFCHR|0o600, 1<<8|3))
	requireOutput(t, exitFailure, []string{"only a regular file"}, append(args, device, "--force")...)
	mustDo(t, os.Remove(device))
	requireOutput(t, exitFailure, []string{"no footage of driveway, "}, "export", "--store", path, "driveway", "-20d", "-19d", "-o", file)
	requireOutput(t, exitUsage, []string{"-o is missing"}, "export", "--store", path, "driveway", "-20d", "-19d")
	requireOutput(t, exitFailure, []string{"no such file"}, append(args, filepath.Join(dir, "nowhere", "x.mp4"))...)
	requireNames(t, dir, "burglary.mp4")
	own := filepath.Join(dir, "own")
	mustDo(t, os.Symlink(path, own))
	for _, name := range []string{"moonfire.db", "samples/meta", "new.mp4"} {
		requireOutput(t, exitFailure, []string{"the store's own files"}, append(args, filepath.Join(own, name), "--force")...)
	}
	recorder.stop()
}

func requireNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	mustDo(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("%s has %q, want %q", dir, names, want)
	}
}

// longStore makes a store with hours of a camera "yard" from 12:00 on.
func longStore(t *testing.T, hours int, media ...*teststore.Media) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store")
	mustDo(t, teststore.Create(t.Context(), path, "America/New_York", teststore.Camera{Name: "yard", RetainBytes: 1 << 40}))
	s, err := teststore.Open(t.Context(), path)
	mustDo(t, err)
	defer s.Close()
	begin := time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)
	for i, m := range media {
		mustDo(t, s.Record(t.Context(), teststore.Take{
			Folder: "yard", Start: moonfirefs.FromTime(begin.Add(time.Duration(i) * time.Hour)), Recordings: 60 * hours, Seconds: 60, Media: m,
		}))
	}
	return path
}

// smallMedia is a minute of small pictures of some width.
var smallMedia = onceForEach(func(width int) (*teststore.Media, error) {
	return teststore.Encode(context.Background(), teststore.Params{Codec: teststore.H264, Width: width, Height: 96, FPS: 5, Seconds: 60})
})

func smallFootage(t *testing.T, width int) *teststore.Media {
	t.Helper()
	media, err := smallMedia(width)
	mustDo(t, err)
	return media
}

// TestExportParts ensures that footage with several codec configurations takes
// several files, none of which replaces another by accident.
func TestExportParts(t *testing.T) {
	t.Parallel()
	path, dir := longStore(t, 1, smallFootage(t, 160), smallFootage(t, 192)), t.TempDir()
	file := filepath.Join(dir, "yard.mp4")
	args := []string{"export", "--store", path, "yard", "2026-11-22 12:50", "13:10", "-o"}
	requireOutput(t, exitOK, []string{"yard.mp4", "yard-2.mp4"}, append(args, file)...)
	requireNames(t, dir, "yard-2.mp4", "yard.mp4")
	for name, width := range map[string]string{"yard.mp4": "160", "yard-2.mp4": "192"} {
		if got := tool(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width", "-of", "csv=p=0", filepath.Join(dir, name)); strings.TrimSpace(got) != width {
			t.Errorf("%s is %s pixels wide", name, got)
		}
	}
	requireOutput(t, exitUsage, []string{"2 files", "--part"}, append(args, "-")...)
	var out bytes.Buffer
	if status := execute(t.Context(), append(args, "-", "--part", "2"), strings.NewReader(""), &out, io.Discard); status != exitOK {
		t.Fatalf("status %d", status)
	}
	if want, err := os.ReadFile(filepath.Join(dir, "yard-2.mp4")); err != nil || !bytes.Equal(out.Bytes(), want) {
		t.Errorf("part 2 on standard output differs from the file (%v)", err)
	}
	requireOutput(t, exitFailure, []string{"has no part 3"}, append(args, "-", "--part", "3")...)
}

// TestExportDuringRetention ensures that no part is passed over when the first one goes
// while it is exported.
func TestExportDuringRetention(t *testing.T) {
	t.Parallel()
	path, dir := longStore(t, 1, smallFootage(t, 160), smallFootage(t, 192), smallFootage(t, 160)), t.TempDir()
	var once sync.Once
	out := writerFunc(func(p []byte) (int, error) { // "Wrote yard.mp4"
		once.Do(func() { mustRun(t, "delete", "--store", path, "yard", "2026-11-22 12:00", "13:00", "--yes") })
		return len(p), nil
	})
	var problems bytes.Buffer
	args := []string{"export", "--store", path, "yard", "2026-11-22 12:50", "14:10", "-o", filepath.Join(dir, "yard.mp4")}
	if status := execute(t.Context(), args, strings.NewReader(""), out, &problems); status != exitOK {
		t.Errorf("status %d: %s", status, &problems)
	}
	requireNames(t, dir, "yard-2.mp4", "yard-3.mp4", "yard.mp4")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestExportInterrupted ensures that an export that is interrupted, or cannot go
// on, leaves nothing behind.
func TestExportInterrupted(t *testing.T) {
	t.Parallel()
	path, dir := longStore(t, 1, smallFootage(t, 160)), t.TempDir()
	args := []string{"export", "--store", path, "yard", "2026-11-22 12:00", "13:00", "-o"}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if status := execute(ctx, append(args, filepath.Join(dir, "x.mp4")), strings.NewReader(""), &out, &out); status != exitInterrupted || out.String() != "moonfirefs: interrupted\n" {
		t.Errorf("status %d: %s", status, &out)
	}
	requireNames(t, dir)
	// A disk that is full.
	mustDo(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"))
	defer unmountIdle(t, dir)
	requireOutput(t, exitFailure, []string{"no space left"}, append(args, filepath.Join(dir, "x.mp4"))...)
	requireNames(t, dir)
	// A reader that goes away.
	cmd := exec.Command(os.Args[0], append(args, "-")...)
	cmd.Env = append(os.Environ(), beProgram+"=1")
	pipe, err := cmd.StdoutPipe()
	mustDo(t, err)
	mustDo(t, cmd.Start())
	_, err = io.ReadFull(pipe, make([]byte, 1000))
	mustDo(t, err)
	mustDo(t, pipe.Close())
	if exit := new(exec.ExitError); !errors.As(cmd.Wait(), &exit) || exit.ExitCode() != exitFailure {
		t.Errorf("the reader went away: %v", cmd.ProcessState)
	}
}
