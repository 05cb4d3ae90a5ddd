// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// sequentialReads are rows 1 and 2.
func sequentialReads(ctx context.Context, b *bench) error {
	store, err := b.newHours(ctx, "hour", 1, b.hourBytes)
	if err != nil {
		return err
	}
	copies := b.path("copies")
	if err := b.copyOut(ctx, store, copies, 1); err != nil {
		return err
	}
	if err := b.sequentially(ctx, store, copies); err != nil {
		return err
	}
	if err := b.again(ctx, store, copies); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(store), os.RemoveAll(copies))
}

// again is row 2: what is read from the page cache, without a request to a server.
func (b *bench) again(ctx context.Context, store, copies string) (err error) {
	ours, err := b.mount(ctx, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.stop()) }()
	plain, err := b.loopback(ctx, copies)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.stop()) }()
	for _, s := range []*server{ours, plain} {
		if err := readAll(s.path(hourName(0))); err != nil {
			return err
		}
	}
	hour := timedRead(ours.path(hourName(0)))
	c, err := b.compete(hour, timedRead(filepath.Join(copies, hourName(0))))
	if err != nil {
		return err
	}
	b.report(2, "a second read of the hour, against the ordinary file", "s", c)
	// What the kernel needs for it, whatever is served.
	c, err = b.compete(hour, timedRead(plain.path(hourName(0))))
	if err != nil {
		return err
	}
	b.report(2, "the same, against a loopback that keeps its page cache", "s", c)
	return nil
}

// sequentially is row 1. The times on a processor are those of server and reader.
func (b *bench) sequentially(ctx context.Context, store, copies string) error {
	var cpu contest
	measure := func(serve func() (*server, error), cpu *[]float64) func() (float64, error) {
		return func() (float64, error) {
			s, err := serve()
			if err != nil {
				return 0, err
			}
			took, used, err := readCold(s, hourName(0))
			*cpu = append(*cpu, used)
			return took, errors.Join(err, s.stop())
		}
	}
	c, err := b.compete(
		measure(func() (*server, error) { return b.mount(ctx, store) }, &cpu.ours),
		measure(func() (*server, error) { return b.loopback(ctx, copies) }, &cpu.theirs))
	if err != nil {
		return err
	}
	b.report(1, "a cold hour read sequentially, against a loopback", "s", c)
	b.report(1, "time on a processor, of server and reader", "s", &cpu)
	return nil
}

// readCold reads a file of a fresh mount, and tells what that took on the clock and
// on a processor.
func readCold(s *server, name string) (took, cpu float64, err error) {
	before, err := bothCPU(s)
	if err != nil {
		return 0, 0, err
	}
	took, err = timedRead(s.path(name))()
	if err != nil {
		return 0, 0, err
	}
	after, err := bothCPU(s)
	return took, after - before, err
}

func bothCPU(s *server) (float64, error) {
	theirs, err := scheduled(s.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	own, err := scheduled(os.Getpid())
	return theirs + own, err
}

// copyOut copies hours to ordinary files, which are then in the page cache, as the
// sample files are.
func (b *bench) copyOut(ctx context.Context, store, to string, hours int) error {
	s, err := b.mount(ctx, store)
	if err != nil {
		return err
	}
	for hour := range hours {
		copied := filepath.Join(to, hourName(hour))
		if err = os.MkdirAll(filepath.Dir(copied), 0o755); err == nil {
			err = command(ctx, "cp", s.path(hourName(hour)), copied)
		}
		if err != nil {
			break
		}
	}
	return errors.Join(err, s.stop())
}

func timedRead(path string) func() (float64, error) {
	return timed(func() error { return readAll(path) })
}

// readAll reads a file as cp does.
func readAll(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, make([]byte, 256<<10))
	return err
}

// opening is row 3.
func opening(ctx context.Context, b *bench) error {
	// Of an ordinary bit rate, since the index alone matters.
	store, err := b.newHours(ctx, "probed", 1, b.hourBytes/8)
	if err != nil {
		return err
	}
	copies := b.path("copies")
	if err := b.copyOut(ctx, store, copies, 1); err != nil {
		return err
	}
	probe := func(path string) func() error {
		return func() error {
			return command(ctx, "ffprobe", "-v", "error", "-select_streams", "v", "-read_intervals", "%+#1", "-show_frames", path)
		}
	}
	c, err := b.compete(func() (float64, error) {
		s, err := b.mount(ctx, store)
		if err != nil {
			return 0, err
		}
		took, err := seconds(probe(s.path(hourName(0))))
		return took, errors.Join(err, s.stop())
	}, timed(probe(filepath.Join(copies, hourName(0)))))
	if err != nil {
		return err
	}
	b.report(3, "first frame of a cold hour by ffprobe, against its copy", "s", c)
	return errors.Join(os.RemoveAll(store), os.RemoveAll(copies))
}
