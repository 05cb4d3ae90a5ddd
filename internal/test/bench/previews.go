// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/previews"
)

// previewsBeside is row 15: two recorders of the same cameras at the same time, one of which
// makes previews.
func previewsBeside(ctx context.Context, b *bench) (err error) {
	source, err := b.encodeFootage(ctx, "1280x720")
	if err != nil {
		return err
	}
	n := b.previewedCameras
	urls, servers, err := serveFootage(source, n)
	defer func() { servers.stop() }()
	if err != nil {
		return err
	}
	with, without := b.path("with"), b.path("without")
	c, err := b.compareStores(ctx, urls, with, without)
	if err != nil {
		return err
	}
	b.report(15, fmt.Sprintf("time on a processor for each of %d recorded cameras with previews, against without", n), "%", c)
	for _, store := range []string{with, without} {
		counts, err := query(ctx, filepath.Join(store, "moonfire.db"), `select count(*), sum(run_offset = 0), sum(video_samples),
			round(sum(duration_90k) / 90000.0 * 25 - sum(video_samples), 1) from recording`)
		if err != nil {
			return err
		}
		b.note(15, filepath.Base(store)+": recordings; connections; frames; those that are missing of 25 a second", "%s", counts)
	}
	made, err := query(ctx, filepath.Join(with, previews.FileName), "select count(*), cast(avg(length(jpeg)) as integer) from picture")
	b.note(15, "pictures; bytes of one", "%s", made)
	return err
}

// compareStores records the same cameras to two stores, to the first with previews.
func (b *bench) compareStores(ctx context.Context, urls []string, with, without string) (c *contest, err error) {
	stop := func(s *server) { err = errors.Join(err, s.stop()) }
	if err := errors.Join(b.newRecordingStore(ctx, with, urls), b.newRecordingStore(ctx, without, urls)); err != nil {
		return nil, err
	}
	ours, err := b.record(ctx, with, "--previews", "all")
	if err != nil {
		return nil, err
	}
	defer stop(ours)
	theirs, err := b.record(ctx, without)
	if err != nil {
		return nil, err
	}
	defer stop(theirs)
	if err := sleep(ctx, min(settling, 10*b.recordingRound)); err != nil {
		return nil, err
	}
	r := &rival{name: "without previews", processes: processes{theirs.cmd}}
	if err := b.watch(ctx, ours, []*rival{r}, len(urls)); err != nil {
		return nil, err
	}
	own, all, err := ofPreviews(ours.cmd.Process.Pid)
	if err == nil {
		b.note(15, "of the time since the start, the thread of previews had", "%.2f s of %.1f s: the rest %+.1f %%", own, all, 100*own/(all-own))
	}
	return &r.contest, err
}

// ofPreviews is how many seconds on a processor the thread that makes previews has had, which is
// the one with the lowest priority, and the whole process.
func ofPreviews(pid int) (own, all float64, err error) {
	if all, err = scheduled(pid); err != nil {
		return 0, 0, err
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, task := range tasks {
		tid, convErr := strconv.Atoi(filepath.Base(task))
		nice, niceErr := unix.Getpriority(unix.PRIO_PROCESS, tid)
		// The system call returns 20 - nice.
		if convErr != nil || niceErr != nil || nice != 1 {
			continue
		}
		text, readErr := os.ReadFile(filepath.Join(task, "schedstat"))
		var nanoseconds float64
		_, scanErr := fmt.Sscan(string(text), &nanoseconds)
		own, err = own+nanoseconds/1e9, errors.Join(err, readErr, scanErr)
	}
	return own, all, err
}

// query asks a database that nobody writes to, and returns the values of the first row.
func query(ctx context.Context, database, statement string) (string, error) {
	out, err := exec.CommandContext(ctx, "sqlite3", "-readonly", "-separator", "; ", database, statement).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", database, err, bytes.TrimSpace(out))
	}
	return strings.TrimSpace(string(out)), nil
}
