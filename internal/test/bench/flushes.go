// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What the index must say of a camera-minute: a row, and three bytes for each frame. The
// journals say no more of it.
const indexTheoryBytes = 4000 + 3*60*recordedFPS

// flushesAndBytes is row 14.
func flushesAndBytes(ctx context.Context, b *bench) error {
	return errors.Join(b.committedBytes(ctx), b.flushes(ctx))
}

// flushes counts what many cameras ask of one disk that has the index and the sample
// files.
func (b *bench) flushes(ctx context.Context) (err error) {
	cameras, err := b.startCameras(ctx, b.flushingCameras)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cameras.close()) }()
	disk, err := b.newLoopDisk("flushed", b.flushed, 16<<30)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.close()) }()
	store := filepath.Join(disk.path, "store")
	if err := b.newRecordingStore(ctx, store, cameras.urls()); err != nil {
		return err
	}
	t, err := b.traceRecorder(ctx, store)
	if err != nil {
		return err
	}
	c, all, err := b.watchDisk(ctx, t, disk, store)
	if err := errors.Join(err, t.stop()); err != nil {
		return err
	}
	b.reportDisk(c, all)
	return nil
}

// watchDisk counts what happens in a time that begins when everything has settled.
func (b *bench) watchDisk(ctx context.Context, t *tracedRecorder, disk *loopDisk, store string) (c calls, all []request, err error) {
	if err := sleep(ctx, b.flushingSettles); err != nil {
		return c, nil, err
	}
	if err := growWAL(ctx, filepath.Join(store, "moonfire.db")); err != nil {
		return c, nil, err
	}
	if err := errors.Join(t.forget(), disk.forget(), sleep(ctx, b.flushingFor)); err != nil {
		return c, nil, err
	}
	all, err = disk.requests()
	if err != nil {
		return c, nil, err
	}
	c, err = t.calls()
	return c, all, err
}

// growWAL has the WAL of a database grow to the size that it has after some minutes and
// then keeps: while it grows, each commit is one of the file system's log as well.
func growWAL(ctx context.Context, database string) error {
	const pairs = 550 // more commits than the number of pages at which SQLite begins the WAL anew
	// A row that stays the same is not written.
	const pair = "update meta set created_time_90k = created_time_90k + 1; update meta set created_time_90k = created_time_90k - 1;"
	if err := command(ctx, "sqlite3", "-cmd", ".timeout 10000", database, "pragma synchronous = off;"+strings.Repeat(pair, pairs)); err != nil {
		return err
	}
	const pageBytes = 4096
	if info, err := os.Stat(database + "-wal"); err != nil || info.Size() < 2*pairs*pageBytes*9/10 {
		return fmt.Errorf("the WAL has not grown: %w", err)
	}
	return nil
}

func (b *bench) reportDisk(c calls, all []request) {
	minutes := b.flushingFor.Minutes()
	cameraMinutes := minutes * float64(b.flushingCameras)
	work := countRequests(all)
	b.note(14, "flushes of the disk in a minute; commits", "%.1f; %.1f", float64(work.flushes)/minutes, float64(c.commits)/minutes)
	b.note(14, "fsyncs in a minute: sample files and directory; checkpoints; index", "%.1f; %.1f; %.1f",
		float64(c.sampleSyncs)/minutes, float64(c.journalSyncs)/minutes, float64(c.indexSyncs)/minutes)
	perCamera := func(sizeBytes int64) (kB, ratio float64) {
		return float64(sizeBytes) / cameraMinutes / 1e3, float64(sizeBytes) / cameraMinutes / indexTheoryBytes
	}
	index, indexRatio := perCamera(c.indexBytes)
	journals, _ := perCamera(c.journalBytes)
	b.note(14, "written in a camera-minute: to the index, against what it says; to journals", "%.1f kB, %.1f×; %.1f kB", index, indexRatio, journals)
	b.note(14, "the disk in all", "%s", work)
	b.note(14, "time that a hard disk would take of a minute; an SD card, and writes to other blocks of it", "%.2f s; %.2f s, %.0f",
		hardDisk.busy(all).Seconds()/minutes, sdCard.busy(all).Seconds()/minutes, float64(sdCard.blockWrites(all))/minutes)
}

// tracedRecorder records under strace.
type tracedRecorder struct {
	*server
	trace string
	// from is how much of the trace is forgotten.
	from int64
}

// traceRecorder starts to record, and notes each system call that writes to the index or
// waits for a disk.
func (b *bench) traceRecorder(ctx context.Context, store string) (*tracedRecorder, error) {
	t := &tracedRecorder{trace: b.path("trace")}
	// -D makes the recorder our child, and strace a bystander.
	s, err := b.serve(ctx, "msg=recording", "strace", "-D", "-f", "-qq", "-y", "-s", "0", "-e", "trace=fsync,fdatasync,pwrite64,write", "-e", "signal=none",
		"-o", t.trace, b.program, "run", "--store", store)
	t.server = s
	return t, err
}

// forget lets what follows begin with nothing noted.
func (t *tracedRecorder) forget() error {
	info, err := os.Stat(t.trace)
	if err == nil {
		t.from = info.Size()
	}
	return err
}

func (t *tracedRecorder) calls() (c calls, err error) {
	text, err := os.ReadFile(t.trace)
	if err != nil {
		return c, err
	}
	return countCalls(string(text[t.from:])), nil
}
