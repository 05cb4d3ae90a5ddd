// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// What the cameras send that are recorded.
const (
	recordedFPS  = 30
	recordedKbps = 2000
)

// recordingTraced is row 11.
func recordingTraced(ctx context.Context, b *bench) (err error) {
	cameras, err := b.startCameras(ctx, b.tracedCameras)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cameras.close()) }()
	store := b.path("traced")
	if err := b.newRecordingStore(ctx, store, cameras.urls()); err != nil {
		return err
	}
	return errors.Join(b.recordTraced(ctx, store), b.indexSizes(ctx))
}

// cameras are RTSP servers in this process.
type cameras []*testcamera.Camera

// startCameras starts n cameras that all play the same pictures.
func (b *bench) startCameras(ctx context.Context, n int) (all cameras, err error) {
	media, err := testcamera.Encode(ctx, testcamera.Params{
		Width: 640, Height: 360, FPS: recordedFPS, GOP: 2 * recordedFPS, BitrateKbps: recordedKbps / 2,
	}, 10*recordedFPS)
	if err != nil {
		return nil, err
	}
	for i := range media.AccessUnits {
		fillUp(&media.AccessUnits[i], recordedKbps*1000/8/recordedFPS)
	}
	for range n {
		c, err := testcamera.Start(testcamera.Config{Source: media, KeepSent: 1})
		if err != nil {
			return nil, errors.Join(err, all.close())
		}
		all = append(all, c)
	}
	return all, nil
}

func (all cameras) urls() (urls []string) {
	for _, c := range all {
		urls = append(urls, c.URL())
	}
	return urls
}

func (all cameras) close() (err error) {
	for _, c := range all {
		err = errors.Join(err, c.Close())
	}
	return err
}

// fillUp adds a message of supplemental enhancement information (ITU-T H.264 §D.1.7)
// to an access unit, since the test camera's pictures are too simple for the bit rate
// of a real one.
func fillUp(au *testcamera.AccessUnit, wantBytes int) {
	const unregistered = 5 // user data
	for _, nal := range au.NALs {
		wantBytes -= len(nal)
	}
	n := max(wantBytes, 16)
	sei := append([]byte{6, unregistered}, bytes.Repeat([]byte{0xff}, n/255)...)
	sei = append(sei, byte(n%255))
	sei = append(sei, bytes.Repeat([]byte{0xaa}, n)...)
	sei = append(sei, 0x80)
	au.NALs = append(au.NALs[:1:1], append([][]byte{sei}, au.NALs[1:]...)...)
}

func (b *bench) newRecordingStore(ctx context.Context, path string, urls []string) error {
	var names []teststore.Camera
	for i, url := range urls {
		names = append(names, teststore.Camera{Name: fmt.Sprintf("camera%d", i+1), URL: url, RetainBytes: 1 << 60})
	}
	return teststore.Create(ctx, path, "UTC", names...)
}

// recordTraced looks at each system call that writes to the index or waits for a disk.
func (b *bench) recordTraced(ctx context.Context, store string) error {
	t, err := b.traceRecorder(ctx, store)
	if err != nil {
		return err
	}
	if err := errors.Join(sleep(ctx, b.recordingTrace), t.stop()); err != nil {
		return err
	}
	c, err := t.calls()
	if err != nil {
		return err
	}
	minutes := b.recordingTrace.Minutes() * float64(b.tracedCameras)
	b.note(11, "commits of a camera-minute", "%.1f", float64(c.commits)/minutes)
	b.note(11, "fsyncs of a camera-minute: sample files and directory; journals and checkpoints of them; index", "%.1f; %.1f; %.1f",
		float64(c.sampleSyncs)/minutes, float64(c.journalSyncs)/minutes, float64(c.indexSyncs)/minutes)
	b.note(11, "written to the index in a camera-minute; to the journal", "%.1f kB; %.1f kB",
		float64(c.indexBytes)/minutes/1e3, float64(c.journalBytes)/minutes/1e3)
	return nil
}

// indexSizes are of row 11 too.
func (b *bench) indexSizes(ctx context.Context) error {
	for _, fps := range []int{5, recordedFPS} {
		store := b.path(fmt.Sprintf("index%d", fps))
		if err := b.newStore(ctx, store, 1, 60*fps); err != nil {
			return err
		}
		info, err := os.Stat(filepath.Join(store, "moonfire.db"))
		if err != nil {
			return err
		}
		b.note(11, fmt.Sprintf("index of a camera-day at %d frames a second", fps), "%.2f MB", float64(info.Size())/float64(b.cameras)/1e6)
	}
	return nil
}

// calls are what a recorder did.
type calls struct {
	commits, indexSyncs, sampleSyncs, journalSyncs int
	indexBytes, journalBytes                       int64
}

func countCalls(trace string) (c calls) {
	for line := range strings.Lines(trace) {
		wal, index := strings.Contains(line, "moonfire.db-wal>"), strings.Contains(line, "moonfire.db")
		switch {
		case strings.Contains(line, "write"):
			switch n := writtenBytes(line); {
			case index:
				c.indexBytes += n
			case strings.Contains(line, ".journal>"):
				c.journalBytes += n
			}
		case wal:
			c.commits++
			c.indexSyncs++
		case index:
			c.indexSyncs++
		case strings.Contains(line, "fdatasync("), strings.Contains(line, ".journal>") && strings.Contains(line, "fsync("):
			// design/lifecycle.md, § Checkpoint: of each file, or a barrier
			c.journalSyncs++
		case strings.Contains(line, "fsync("):
			c.sampleSyncs++
		}
	}
	return c
}

// writtenBytes is what a call of write or pwrite64 was to write; 0 for one that is cut.
func writtenBytes(line string) (n int64) {
	if fields := strings.Split(line, ", "); len(fields) > 2 {
		length, _, _ := strings.Cut(fields[2], ")")
		n, _ = strconv.ParseInt(length, 10, 64)
	}
	return n
}
