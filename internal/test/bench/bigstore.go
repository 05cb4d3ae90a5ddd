// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// bigStore measures listings, starts and saves where years have been recorded.
func bigStore(ctx context.Context, b *bench) error {
	empty := b.path("empty")
	big, err := b.bigStorePath(ctx)
	if err != nil {
		return err
	}
	if err := b.newStore(ctx, empty, 0, 0); err != nil {
		return err
	}
	return errors.Join(b.listings(ctx, big), b.starts(ctx, big, empty), b.saves(ctx, big, empty))
}

// bigStorePath makes the store with years of footage, unless there is one.
func (b *bench) bigStorePath(ctx context.Context) (string, error) {
	path := cmp.Or(b.keptBig, b.path("big"))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	frames := 5 * 60
	if b.days > sparseDays {
		frames = 4
	}
	return path, b.newStore(ctx, path, b.days, frames)
}

// sparseDays is how many days of footage have frames at an ordinary rate. Five years of that
// would be an index of 30 GB, and nothing that a listing does depends on it.
const sparseDays = 400

// newStore makes a store with footage around the clock that ends with the year 2025.
func (b *bench) newStore(ctx context.Context, path string, days, minuteFrames int) error {
	var cameras []teststore.Camera
	for i := range b.cameras {
		cameras = append(cameras, teststore.Camera{Name: fmt.Sprintf("camera%d", i+1), RetainBytes: 1 << 60})
	}
	if err := teststore.Create(ctx, path, "Europe/Zurich", cameras...); err != nil {
		return err
	}
	// The recordings are of a time that the store was open, as far as the sample
	// directory knows.
	s, err := b.record(ctx, path)
	if err != nil {
		return err
	}
	if err := s.stop(); err != nil || days == 0 {
		return err
	}
	start := moonfirefs.FromTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -days))
	return teststore.Fill(ctx, path, teststore.Bulk{Start: start, Minutes: days * 24 * 60, MinuteFrames: minuteFrames})
}

// listings are rows 6, 7 and 9.
func (b *bench) listings(ctx context.Context, store string) (err error) {
	ext4, err := b.newTree(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ext4.unmount()) }()
	s, err := b.mount(ctx, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	for _, name := range []string{"copy", "backup"} {
		if err := ext4.imitate(s.mountpoint, name); err != nil {
			return err
		}
	}
	copied, backup := filepath.Join(ext4.mountpoint, "copy"), filepath.Join(ext4.mountpoint, "backup")
	find := func(path func() string) func() (float64, error) {
		return timed(func() error { return command(ctx, "find", path(), "-ls") })
	}
	ours, theirs := func() string { return s.mountpoint }, func() string { return copied }
	cold, err := b.compete(func() (float64, error) {
		if err := s.stop(); err != nil {
			return 0, err
		}
		if s, err = b.mount(ctx, store); err != nil {
			return 0, err
		}
		return find(ours)()
	}, func() (float64, error) {
		if err := ext4.forget(ctx); err != nil {
			return 0, err
		}
		return find(theirs)()
	})
	if err != nil {
		return err
	}
	b.report(6, "`find -ls`, first time after start", "s", cold)
	warm, err := b.compete(find(ours), find(theirs))
	if err != nil {
		return err
	}
	b.report(7, "`find -ls` again", "s", warm)
	compare := func(from func() string) func() (float64, error) {
		return timed(func() error { return command(ctx, "rsync", "-an", from()+"/", backup+"/") })
	}
	synced, err := b.compete(compare(ours), compare(theirs))
	if err != nil {
		return err
	}
	b.report(7, "`rsync -an` against a finished backup", "s", synced)
	return b.memory(9, "resident memory after that", s)
}

// memory tells how much a server has now, and has had at most.
func (b *bench) memory(row int, what string, s *server) error {
	now, err := s.memoryBytes("VmRSS")
	if err != nil {
		return err
	}
	most, err := s.memoryBytes("VmHWM")
	if err != nil {
		return err
	}
	b.note(row, what+"; at most", "%.0f MB; %.0f MB", float64(now)/1e6, float64(most)/1e6)
	return nil
}

// starts is row 8.
func (b *bench) starts(ctx context.Context, big, empty string) error {
	start := func(store string) func() (float64, error) {
		return func() (float64, error) {
			var s *server
			took, err := seconds(func() (err error) {
				s, err = b.record(ctx, store)
				return err
			})
			if err != nil {
				return 0, err
			}
			return took, s.stop()
		}
	}
	c, err := b.compete(start(big), start(empty))
	if err != nil {
		return err
	}
	b.report(8, "start of `run` until mounted and recording, against an empty store", "s", c)
	return nil
}
