// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/nvrstore"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

var nvrDays = flag.Int("nvr-days", 2, "how many days of eight cameras a Moonfire NVR has whose first contact is measured")

// The whole of a large Moonfire NVR is shown after the first contact, and in a later mount what
// is known before it is looked at again. With -nvr-days 365 it is a measurement, of which
// design/moonfire-nvr.md has the figures, beside a store of ours with as much footage.
func TestMoonfireNVRYears(t *testing.T) {
	const cameras = 8
	minutes := *nvrDays * 24 * 60
	start90k := teststore.At("2026-01-01T00:00:00Z").Add(-moonfirefs.Duration90k(minutes) * 60 * moonfirefs.UnitsPerSecond)
	theirs := nvrstore.New(t, 7, 1)
	media := encodeMoonfire(t, teststore.H264)
	var ours []teststore.Camera
	for n := range cameras {
		name := fmt.Sprint("camera", n+1)
		ours = append(ours, teststore.Camera{Name: name, RetainBytes: 1 << 60})
		theirs.Fill(theirs.AddCamera(name, 0, "main")[0], media, nvrstore.Fill{Start90k: start90k, Minutes: minutes})
	}
	own := newOwnYears(t, ours, teststore.Bulk{Start: start90k, Minutes: minutes, MinuteFrames: 60})
	cache := t.TempDir()
	mount := []string{"mount", "--moonfire-nvr", theirs.Path, "--time-zone", "Europe/Zurich", "--moonfire-cache", cache}
	first := measureMount(t, mount, "first contact")
	for range 3 {
		again := measureMount(t, mount, "known")
		measureMount(t, []string{"mount", "--store", own}, "a store of ours")
		if again.dates != first.dates || again.dates != cameras*(*nvrDays+1) {
			t.Errorf("%d dates are shown, then %d, want %d", first.dates, again.dates, cameras*(*nvrDays+1))
		}
	}
}

// A first contact that is killed at any moment, again and again, ends in the mount that one makes
// that is not killed.
func TestMountMoonfireNVRKilled(t *testing.T) {
	const days = 15 // several transactions
	theirs := nvrstore.New(t, 7, 1)
	theirs.Fill(theirs.AddCamera("driveway", 0, "main")[0], encodeMoonfire(t, teststore.H264),
		nvrstore.Fill{Start90k: teststore.At("2026-01-01T00:30:00Z"), Minutes: days * 24 * 60})
	cache := t.TempDir()
	args := []string{"mount", "--moonfire-nvr", theirs.Path, "--time-zone", "Europe/Zurich"}
	early := 0
	for n := range 8 {
		mountpoint := newMountpoint(t)
		p := start(t, slices.Concat(args, []string{"--moonfire-cache", cache, mountpoint})...)
		time.Sleep(time.Duration(30+60*n) * time.Millisecond)
		p.kill()
		// Some machines have it mounted by then.
		if errors.Is(syscall.Unmount(mountpoint, syscall.MNT_DETACH), syscall.EINVAL) {
			early++
		}
	}
	if early == 0 {
		t.Error("no first contact was killed before it was mounted")
	}
	listed := func(cache string) (names string) {
		mountpoint := newMountpoint(t)
		p := start(t, slices.Concat(args, []string{"--moonfire-cache", cache, mountpoint})...)
		waitMounted(t, p)
		defer p.stop()
		return tool(t, "find", mountpoint, "-name", "*.mp4", "-printf", "%P %i %s %T@\n")
	}
	if killed, whole := listed(cache), listed(t.TempDir()); strings.Count(whole, "\n") < days*24 || killed != whole {
		t.Errorf("after kills it shows\n%s\nand otherwise\n%s", killed, whole)
	}
}

// newOwnYears makes a store of ours with footage by the million.
func newOwnYears(t *testing.T, cameras []teststore.Camera, bulk teststore.Bulk) string {
	t.Helper()
	path := teststore.NewWith(t, "Europe/Zurich", cameras...)
	mustDo(t, teststore.MustOpen(t, path).Close()) // which notes an opening
	mustDo(t, teststore.Fill(t.Context(), path, bulk))
	return path
}

// looks are what the first looks at a mount took, and how many dates there are.
type looks struct{ dates int }

// measureMount mounts something, looks at the root, a camera and a date, and logs how long each
// took and how much memory the program needed.
func measureMount(t *testing.T, args []string, what string) (found looks) {
	t.Helper()
	mountpoint := newMountpoint(t)
	began := time.Now()
	p := start(t, append(args, mountpoint)...)
	waitMounted(t, p)
	text := fmt.Sprintf("%s: mounted %v (%v of a processor)", what, time.Since(began).Round(time.Millisecond), processorTime(t, p.cmd.Process.Pid))
	look := func(name, path string) (entries []os.DirEntry) {
		began := time.Now()
		entries, err := os.ReadDir(path)
		mustDo(t, err)
		for _, e := range entries {
			_, err := e.Info()
			mustDo(t, err)
		}
		text += fmt.Sprintf(", %s %v", name, time.Since(began).Round(100*time.Microsecond))
		return entries
	}
	look("root", mountpoint)
	dates := look("a camera", filepath.Join(mountpoint, "camera1"))
	look("a date", filepath.Join(mountpoint, "camera1", dates[len(dates)/2].Name()))
	for n := range 8 {
		entries, err := os.ReadDir(filepath.Join(mountpoint, fmt.Sprint("camera", n+1)))
		mustDo(t, err)
		for _, e := range entries {
			if e.IsDir() && strings.HasPrefix(e.Name(), "20") {
				found.dates++
			}
		}
	}
	progress := strings.Count(p.output.String(), "taking over the index")
	t.Logf("%s, at most %d MB, %d lines of progress", text, peakMemory(t, p)/1_000_000, progress)
	p.stop()
	return found
}

// waitMounted waits for as long as the program says that it goes on.
func waitMounted(t *testing.T, p *program) {
	t.Helper()
	for said := -1; !wait.Poll(func() bool { return strings.Contains(p.output.String(), "msg=mounted") }); {
		if now := len(p.output.String()); now > said {
			said = now
			continue
		}
		t.Fatalf("it is not mounted; it printed:\n%s", p.output)
	}
}

// peakMemory is how much memory a program has needed at the most, in bytes.
func peakMemory(t *testing.T, p *program) (sizeBytes int64) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	mustDo(t, err)
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	_, err = fmt.Sscan(after, &sizeBytes)
	mustDo(t, err)
	return sizeBytes << 10
}

// processorTime is what a process has had of processors so far.
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	mustDo(t, err)
	// Behind the name come the state and further columns: user time is the 12th, the kernel's the 13th.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	mustDo(t, err)
	kernel, err := strconv.Atoi(fields[12])
	mustDo(t, err)
	const ticks = 100 // in a second
	return time.Duration(user+kernel) * time.Second / ticks
}
