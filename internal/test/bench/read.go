// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
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

// randomReads is row 5.
func randomReads(ctx context.Context, b *bench) error {
	hours := b.dayHours
	store, err := b.newHours(ctx, "day", hours, b.dayBytes)
	if err != nil {
		return err
	}
	copies := b.path("copies")
	if err := b.copyOut(ctx, store, copies, hours); err != nil {
		return err
	}
	through := func(serve func() (*server, error)) func() (float64, error) {
		return func() (float64, error) {
			s, err := serve()
			if err != nil {
				return 0, err
			}
			speed, err := readAtRandom(s.mountpoint, hours)
			return speed, errors.Join(err, s.stop())
		}
	}
	ours := through(func() (*server, error) { return b.mount(ctx, store) })
	c, err := b.compete(ours, func() (float64, error) { return readAtRandom(copies, hours) })
	if err != nil {
		return err
	}
	b.report(5, "random reads of 64 KiB across a day by 4 threads, against the copies (speed)", "MB/s", c)
	// What FUSE leaves of that speed, whatever is served.
	c, err = b.compete(ours, through(func() (*server, error) { return b.loopback(ctx, copies) }))
	if err != nil {
		return err
	}
	b.report(5, "the same, against a loopback (speed)", "MB/s", c)
	return errors.Join(os.RemoveAll(store), os.RemoveAll(copies))
}

// readAtRandom returns a speed in MB/s.
func readAtRandom(root string, hours int) (float64, error) {
	const threads, reads, size = 4, 2000, 64 << 10
	took, err := seconds(func() error {
		var group errgroup.Group
		for thread := range threads {
			group.Go(func() error { return readSome(root, hours, rand.New(rand.NewPCG(1, uint64(thread))), reads, size) })
		}
		return group.Wait()
	})
	return threads * reads * size / took / 1e6, err
}

func readSome(root string, hours int, random *rand.Rand, reads, size int) error {
	files := make([]*os.File, hours)
	for i := range files {
		f, err := os.Open(filepath.Join(root, hourName(i)))
		if err != nil {
			return err
		}
		defer f.Close()
		files[i] = f
	}
	p := make([]byte, size)
	for range reads {
		f := files[random.IntN(hours)]
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if _, err := f.ReadAt(p, random.Int64N(info.Size()-int64(size))); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return nil
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
