// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/nvrstore"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

var (
	nvrTime = flag.Duration("nvr", 10*time.Second, "how long a Moonfire NVR records and deletes beside its mount")
	nvrGB   = flag.Int("nvr-import", 5, "how many GB of footage are imported from a Moonfire NVR")
)

// busyReader reads hours of a mount as a Moonfire NVR records and deletes.
type busyReader struct {
	t *testing.T
	// pattern are the digests of the samples that are recorded again and again.
	pattern []string
	scratch string
	reads   *atomic.Int64
}

// read reads an hour, and requires that it is a piece of what was recorded, unless it is gone
// before it was opened.
func (r *busyReader) read(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESTALE) {
		return nil // deleted, or an hour that has lost something
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	data, err := io.ReadAll(f)
	if err != nil || int64(len(data)) != info.Size() {
		return fmt.Errorf("read %s: %d bytes of %d: %w", path, len(data), info.Size(), err)
	}
	if err := os.WriteFile(r.scratch, data, 0o600); err != nil {
		return err
	}
	// The test may end meanwhile, but not this.
	output, err := exec.CommandContext(context.WithoutCancel(r.t.Context()), "ffmpeg", "-v", "error", "-i", r.scratch, "-map", "0:v:0", "-c", "copy", "-f", "framemd5", "-").Output()
	if err != nil {
		return fmt.Errorf("%s: ffmpeg: %w", path, err)
	}
	r.reads.Add(1)
	return r.compare(path, string(output))
}

func (r *busyReader) compare(path, frames string) error {
	n, at := 0, 0
	for line := range strings.Lines(frames) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		digest := strings.TrimSpace(line[strings.LastIndex(line, ",")+1:])
		if n == 0 {
			at = slices.Index(r.pattern, digest)
		}
		if at < 0 || r.pattern[at%len(r.pattern)] != digest {
			return fmt.Errorf("%s: frame %d is not what was recorded", path, n)
		}
		n, at = n+1, at+1
	}
	if n == 0 || n%perRecording != 0 {
		return fmt.Errorf("%s has %d frames, which is no number of whole recordings", path, n)
	}
	return nil
}

// run reads until stop is closed.
func (r *busyReader) run(mountpoint string, stop <-chan struct{}) {
	for {
		paths, err := filepath.Glob(filepath.Join(mountpoint, "driveway/*-*-*/*.mp4"))
		if err != nil {
			r.t.Error(err)
		}
		for _, path := range paths {
			select {
			case <-stop:
				return
			default:
			}
			if err := r.read(path); err != nil {
				r.t.Error(err)
				return
			}
		}
		select {
		case <-stop:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// While a Moonfire NVR records and deletes, four readers of its mount see no frame that was not
// recorded, none twice, none missing, and no error but for what was deleted before they opened
// it.
func TestMoonfireNVRIsBusy(t *testing.T) {
	media := encodeMoonfire(t, teststore.H264)
	b := &moonfireBench{Store: nvrstore.New(t, 7, 1), media: media}
	b.main = b.AddCamera("driveway", 0, "main")[0]
	b.Record(b.main, media, b.next(), nvrstore.Run{Start90k: teststore.At("2026-11-22T13:58:30Z")})
	mountpoint, p := mountMoonfire(t, b.Path)
	var reads atomic.Int64
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for n := range 4 {
		r := &busyReader{t: t, pattern: digestsIn(media.Samples), scratch: filepath.Join(t.TempDir(), fmt.Sprint(n, ".mp4")), reads: &reads}
		readers.Go(func() { r.run(mountpoint, stop) })
	}
	const kept = 60
	recorded := 1
	for end := time.Now().Add(*nvrTime); time.Now().Before(end) && !t.Failed(); recorded++ {
		b.Record(b.main, media, b.next(), nvrstore.Run{Delta90k: 30})
		if recorded > kept {
			b.Rotate(b.main, 1)
		}
		time.Sleep(50 * time.Millisecond)
	}
	close(stop)
	readers.Wait()
	if reads.Load() == 0 || recorded <= kept && *nvrTime >= time.Minute {
		t.Errorf("%d reads beside %d recordings", reads.Load(), recorded)
	}
	if strings.Contains(p.output.String(), "level=ERROR") {
		t.Errorf("the mount says:\n%s", p.output)
	}
	t.Logf("%d recordings, %d hours read", recorded, reads.Load())
}

// Gigabytes are imported by hard link without taking any space.
func TestImportMoonfireNVRLarge(t *testing.T) {
	const fileBytes = 500_000_000
	media := encodeMoonfire(t, teststore.H264)
	theirs := nvrstore.New(t, 7, 1)
	st := theirs.AddCamera("driveway", 0, "main")[0]
	minutes := *nvrGB * 1_000_000_000 / fileBytes
	theirs.Fill(st, media, nvrstore.Fill{Start90k: teststore.At("2026-11-01T00:00:00Z"), Minutes: minutes, FileBytes: fileBytes})
	path := newBrokenStore(t) // which is not read as a whole in the end
	began := time.Now()
	importMoonfire(t, &moonfireBench{Store: theirs}, path)
	t.Logf("%d GB in %v", *nvrGB, time.Since(began).Round(time.Millisecond))
	if n := recordings(t, path, 1); n != minutes {
		t.Errorf("%d recordings were imported, want %d", n, minutes)
	}
	requireOutput(t, exitOK, []string{"Clean: "}, "check", "--store", path)
	entries, err := os.ReadDir(filepath.Join(path, "samples"))
	mustDo(t, err)
	linked := 0
	for _, e := range entries {
		info, err := e.Info()
		mustDo(t, err)
		if stat := info.Sys().(*syscall.Stat_t); stat.Size == fileBytes && stat.Nlink == 2 && stat.Blocks == 0 {
			linked++
		}
	}
	if linked != minutes {
		t.Errorf("%d files are links, want %d", linked, minutes)
	}
}
