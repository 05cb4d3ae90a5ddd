// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/objectstore"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// objectSpeed wants the figures of buckets that design/performance.md has.
var objectSpeed = flag.Bool("object-speed", false, "measure how fast footage is read from a bucket, beside rclone")

const (
	speedHourBytes = 1 << 30
	speedRounds    = 5
)

// speedHour is that of the footage that is read.
var speedHour = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// newSpeedStore makes a store with an hour of 60 recordings, that decode.
func newSpeedStore(t *testing.T) (path string) {
	t.Helper()
	media, err := teststore.Encode(t.Context(), teststore.Params{Codec: teststore.H264, Width: 320, Height: 192, FPS: 15, Seconds: 60})
	mustDo(t, err)
	for i := range media.Samples {
		s := &media.Samples[i]
		fill := speedHourBytes/len(media.Samples)/60 - len(s.Data) - 6
		s.Data = append(binary.BigEndian.AppendUint32(bytes.Clone(s.Data), uint32(fill+2)), 0x0c) // filler data
		s.Data = append(append(s.Data, bytes.Repeat([]byte{0xff}, fill)...), 0x80)
	}
	path = teststore.NewWith(t, "UTC", teststore.Camera{Name: "yard", RetainBytes: 1 << 40})
	s := teststore.MustOpen(t, path)
	defer s.Close()
	for i := range 60 {
		mustDo(t, s.Record(t.Context(), teststore.Take{
			Folder: "yard", Start: moonfirefs.FromTime(speedHour.Add(time.Duration(i) * time.Minute)), Recordings: 1, Seconds: 60, Media: media,
		}))
	}
	return path
}

// reading is what it took to read files: on the clock, and of a processor by the process that
// mounts them.
type reading struct{ clock, processor time.Duration }

// readAll reads files in order, which a process mounts.
func readAll(t *testing.T, pid int, paths ...string) reading {
	t.Helper()
	tool(t, "sh", "-c", "sync; echo 3 >/proc/sys/vm/drop_caches")
	spent := processorTime(t, pid)
	began, buffer := time.Now(), make([]byte, 1<<20)
	for _, path := range paths {
		f, err := os.Open(path)
		mustDo(t, err)
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, buffer)
		mustDo(t, err)
		mustDo(t, f.Close())
	}
	return reading{time.Since(began), processorTime(t, pid) - spent}
}

// contest has what it took to read the same in two ways, in each round.
type contest struct{ ours, theirs []reading }

func (c *contest) add(ours, theirs reading) {
	c.ours, c.theirs = append(c.ours, ours), append(c.theirs, theirs)
}

// speeds are ours, as parts of theirs.
func (c *contest) speeds() (speeds []float64) {
	for i := range c.ours {
		speeds = append(speeds, c.theirs[i].clock.Seconds()/c.ours[i].clock.Seconds())
	}
	return speeds
}

func (c *contest) String() string {
	return fmt.Sprintf("speed %s; seconds of a processor: ours %s, theirs %s", spread(c.speeds()), spread(spent(c.ours)), spread(spent(c.theirs)))
}

func spent(readings []reading) (seconds []float64) {
	for _, r := range readings {
		seconds = append(seconds, r.processor.Seconds())
	}
	return seconds
}

// rclone mounts the objects, with an empty cache.
func rclone(t *testing.T, bucket *objectstore.Store) (pid int, paths []string, stop func()) {
	t.Helper()
	mountpoint := newMountpoint(t)
	host, _, _ := strings.Cut(strings.TrimPrefix(bucket.URL, "http://"), "/")
	cmd := exec.Command("rclone", "mount", ":s3:"+objectstore.Bucket+"/home", mountpoint, "--vfs-cache-mode", "full", "--cache-dir", t.TempDir(),
		"--s3-provider", "Other", "--s3-endpoint", "http://"+host, "--s3-env-auth", "--config", "/dev/null", "--read-only")
	cmd.Env = append(append(os.Environ(), "AWS_CA_BUNDLE="), objectstore.Environment()...) // which rclone 1.60 cannot use
	cmd.Stderr = os.Stderr
	mustDo(t, cmd.Start())
	wait.Until(t, "rclone to mount", func() bool {
		paths, _ = filepath.Glob(filepath.Join(mountpoint, "????????-*"))
		return len(paths) == 60
	})
	return cmd.Process.Pid, paths, func() {
		mustDo(t, cmd.Process.Signal(syscall.SIGTERM))
		_ = cmd.Wait()
	}
}

// median and extent of what was measured.
func spread(figures []float64) string {
	slices.SortFunc(figures, cmp.Compare)
	return fmt.Sprintf("%.2f (%.2f–%.2f)", figures[len(figures)/2], figures[0], figures[len(figures)-1])
}

// TestObjectSpeed measures, in turn: a cold hour of a bucket and the same objects through
// rclone; the hour once it is in the cache and the same hour of local files; and the round trips
// to its first frame.
func TestObjectSpeed(t *testing.T) {
	if !*objectSpeed {
		t.Skip("-object-speed is not given")
	}
	path, bucket := newSpeedStore(t), objectstore.Start(t)
	local := filepath.Join(t.TempDir(), "local")
	tool(t, "cp", "-r", path, local)
	mustRun(t, "dir", "add", "--s3", bucket.URL, "--credentials", objectstore.Credentials(t), "--store", path)
	mustRun(t, "tier", "add", "yard", "--to", bucket.URL, "--after", "10m", "--retain", "1TB", "--store", path)
	recorder := start(t, "run", newMountpoint(t), "--store", path)
	wait.Until(t, "the hour to move", func() bool { return sampleFiles(t, filepath.Join(path, "samples")) == 0 })
	recorder.stop()
	hour := "yard/" + speedHour.Format("2006-01-02/15") + ".mp4"
	var cold, warm contest
	var trips []float64
	for range speedRounds {
		cache := t.TempDir()
		mountpoint := newMountpoint(t)
		mount := start(t, "mount", mountpoint, "--store", path, "--object-cache", "10GB", "--object-cache-dir", cache)
		mount.saw("msg=mounted")
		ours := readAll(t, mount.cmd.Process.Pid, filepath.Join(mountpoint, hour))
		pid, objects, stop := rclone(t, bucket)
		cold.add(ours, readAll(t, pid, objects...))
		stop()
		mount.stop()

		mountpoint = newMountpoint(t)
		mount = start(t, "mount", mountpoint, "--store", path, "--object-cache", "10GB", "--object-cache-dir", cache)
		mount.saw("msg=mounted")
		ours = readAll(t, mount.cmd.Process.Pid, filepath.Join(mountpoint, hour))
		mount.stop()
		localMount := newMountpoint(t)
		mount = start(t, "mount", localMount, "--store", local)
		mount.saw("msg=mounted")
		warm.add(ours, readAll(t, mount.cmd.Process.Pid, filepath.Join(localMount, hour)))
		mount.stop()

		trips = append(trips, firstFrame(t, path, bucket, hour, time.Second)-firstFrame(t, path, bucket, hour, 0))
		t.Logf("cold %.2f, warm %.2f, round trips %.2f, load %s", last(cold.speeds()), last(warm.speeds()), last(trips), load(t))
	}
	t.Logf("a cold hour of %d MiB, beside rclone's full cache mode: %s", speedHourBytes>>20, &cold)
	t.Logf("a warm hour, beside local files: %s", &warm)
	t.Logf("round trips to the first frame: %s", spread(trips))
}

func last(figures []float64) float64 { return figures[len(figures)-1] }

// load is how many processes wanted a processor, in the last minute.
func load(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	mustDo(t, err)
	return strings.Fields(string(text))[0]
}

// firstFrame is how many seconds it takes to decode the first picture of a cold hour, where each
// request takes as much longer.
func firstFrame(t *testing.T, path string, bucket *objectstore.Store, hour string, delay time.Duration) float64 {
	t.Helper()
	mountpoint := newMountpoint(t)
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("msg=mounted")
	bucket.SetDelay(delay)
	began := time.Now()
	tool(t, "ffmpeg", "-v", "error", "-i", filepath.Join(mountpoint, hour), "-frames:v", "1", "-f", "null", "-")
	took := time.Since(began)
	bucket.SetDelay(0)
	mount.stop()
	return took.Seconds()
}
