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

// withPreviews are the flags of a recorder that makes previews.
var withPreviews = []string{"--previews", "all"}

// previewsBeside is row 15: two recorders of the same cameras at the same time, the first of which
// makes previews, then the second; and two that do not, which says how far equal ones differ.
func previewsBeside(ctx context.Context, b *bench) (err error) {
	source, err := b.encodeFootage(ctx, "1280x720")
	if err != nil {
		return err
	}
	var both contest
	for i, flags := range [][2][]string{{withPreviews, nil}, {nil, withPreviews}, {nil, nil}} {
		stores := [2]string{b.path(fmt.Sprintf("first%d", i)), b.path(fmt.Sprintf("second%d", i))}
		c, err := b.compareStores(ctx, source, stores, flags)
		if err != nil {
			return err
		}
		if flags[0] == nil && flags[1] == nil {
			b.report(15, "two recorders without previews", "%", c)
			break
		}
		with := 0
		if flags[1] != nil {
			with, c.ours, c.theirs = 1, c.theirs, c.ours
		}
		b.report(15, fmt.Sprintf("time on a processor for each of %d recorded cameras with previews, against without; number %d has them", b.previewedCameras, with+1), "%", c)
		both.ours, both.theirs = append(both.ours, c.ours...), append(both.theirs, c.theirs...)
		if err := b.noteStores(ctx, stores, with); err != nil {
			return err
		}
	}
	b.report(15, "with previews, against without, each of the two in turn", "%", &both)
	return nil
}

// noteStores tells what is in two stores, of which one has previews.
func (b *bench) noteStores(ctx context.Context, stores [2]string, with int) error {
	for _, store := range stores {
		counts, err := query(ctx, filepath.Join(store, "moonfire.db"), `select count(*), sum(run_offset = 0), sum(video_samples),
			round(sum(duration_90k) / 90000.0 * 25 - sum(video_samples), 1) from recording`)
		if err != nil {
			return err
		}
		b.note(15, filepath.Base(store)+": recordings; connections; frames; those that are missing of 25 a second", "%s", counts)
	}
	made, err := query(ctx, filepath.Join(stores[with], previews.FileName), "select count(*), cast(avg(length(jpeg)) as integer) from picture")
	b.note(15, "pictures; bytes of one", "%s", made)
	return err
}

// compareStores records the same cameras to two stores, each by a recorder with flags of its own.
// The cameras are others each time: they end with those who record them.
func (b *bench) compareStores(ctx context.Context, source string, stores [2]string, flags [2][]string) (c *contest, err error) {
	urls, servers, err := serveFootage(source, b.previewedCameras)
	defer func() { servers.stop() }()
	if err != nil {
		return nil, err
	}
	var recorders [2]*server
	for i, store := range stores {
		if err := b.newRecordingStore(ctx, store, urls); err != nil {
			return nil, err
		}
		s, err := b.record(ctx, store, flags[i]...)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
		recorders[i] = s
	}
	// A picture is made once its recording is over, which has a minute, as a round has.
	if err := sleep(ctx, b.recordingRound); err != nil {
		return nil, err
	}
	r := &rival{name: "another", processes: processes{recorders[1].cmd}}
	if err := b.watch(ctx, recorders[0], []*rival{r}, len(urls)); err != nil {
		return nil, err
	}
	for i, s := range recorders {
		if flags[i] == nil {
			continue
		}
		own, all, err := ofPreviews(s.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		b.note(15, "of the time since the start, the thread of previews had", "%.2f s of %.1f s: the rest %+.1f %%", own, all, 100*own/(all-own))
	}
	return &r.contest, nil
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
