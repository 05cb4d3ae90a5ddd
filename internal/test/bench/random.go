// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// randomCell is reads of one size by a number of threads, as many as take a second or less.
type randomCell struct{ sizeBytes, reads, threads int }

func randomCells() (cells []randomCell) {
	for _, size := range []struct{ bytes, reads int }{{4 << 10, 12_000}, {64 << 10, 6_000}, {512 << 10, 1_200}} {
		for _, threads := range []int{1, 4, 32} {
			cells = append(cells, randomCell{size.bytes, size.reads, threads})
		}
	}
	return cells
}

// randomReads is row 5.
func randomReads(ctx context.Context, b *bench) error {
	store, err := b.newHours(ctx, "day", b.dayHours, b.dayBytes)
	if err != nil {
		return err
	}
	copies := b.path("copies")
	if err := b.copyOut(ctx, store, copies, b.dayHours); err != nil {
		return err
	}
	ours := func() (*server, error) { return b.mount(ctx, store) }
	plain := func() (*server, error) { return b.loopback(ctx, copies) }
	for _, cell := range randomCells() {
		if err := b.compareAtRandom(cell, ours, plain); err != nil {
			return err
		}
	}
	// What FUSE leaves of the speed of a page cache, whatever is served.
	cell := randomCell{64 << 10, 6_000, 4}
	places := cell.places(b.dayHours, b.dayBytes)
	c, err := b.compete(
		func() (float64, error) { speed, _, err := cell.through(ours, places); return speed, err },
		func() (float64, error) { return cell.ofCopies(copies, places) })
	if err != nil {
		return err
	}
	b.report(5, cell.String()+", against the copies (speed)", "MB/s", c)
	return errors.Join(os.RemoveAll(store), os.RemoveAll(copies))
}

// compareAtRandom measures speeds, and the time on a processor of server and reader.
func (b *bench) compareAtRandom(cell randomCell, ours, plain func() (*server, error)) error {
	places := cell.places(b.dayHours, b.dayBytes)
	var cpu contest
	measure := func(serve func() (*server, error), cpu *[]float64) func() (float64, error) {
		return func() (float64, error) {
			speed, used, err := cell.through(serve, places)
			*cpu = append(*cpu, used)
			return speed, err
		}
	}
	c, err := b.compete(measure(ours, &cpu.ours), measure(plain, &cpu.theirs))
	if err != nil {
		return err
	}
	b.report(5, cell.String()+", against a loopback (speed)", "MB/s", c)
	b.report(5, "time on a processor for it, of server and reader", "s", &cpu)
	return nil
}

func (c randomCell) String() string {
	return fmt.Sprintf("random reads of %d KiB across a day, threads: %d", c.sizeBytes>>10, c.threads)
}

// place is what one read reads.
type place struct {
	hour   int
	offset int64
}

// places are as many as there are reads, in a random order that is the same each time. None
// overlap, so that each is a request to the server, and no two touch, so that the kernel does
// not take them for pieces of a sequential read.
func (c randomCell) places(hours int, dayBytes int64) (all []place) {
	random := rand.New(rand.NewPCG(uint64(c.sizeBytes), uint64(c.threads)))
	slot := int64(c.sizeBytes) + 64<<10
	for hour := range hours {
		for start := slot; start+2*slot < dayBytes/int64(hours); start += slot {
			all = append(all, place{hour, start + random.Int64N(32<<10)})
		}
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(len(all), c.reads)]
}

// through reads by way of a fresh mount, whose page cache is empty.
func (c randomCell) through(serve func() (*server, error), places []place) (speed, cpu float64, err error) {
	s, err := serve()
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	files, err := openHours(s.mountpoint, places)
	if err != nil {
		return 0, 0, err
	}
	defer files.close()
	before, err := bothCPU(s)
	if err != nil {
		return 0, 0, err
	}
	if speed, err = c.speed(files, places); err != nil {
		return 0, 0, err
	}
	after, err := bothCPU(s)
	return speed, after - before, err
}

// ofCopies is the speed of reading the copies.
func (c randomCell) ofCopies(root string, places []place) (float64, error) {
	files, err := openHours(root, places)
	if err != nil {
		return 0, err
	}
	defer files.close()
	return c.speed(files, places)
}

// hourFiles are open hours, by their number.
type hourFiles map[int]*os.File

func openHours(root string, places []place) (hourFiles, error) {
	files := make(hourFiles)
	for _, p := range places {
		if files[p.hour] != nil {
			continue
		}
		f, err := os.Open(filepath.Join(root, hourName(p.hour)))
		if err != nil {
			files.close()
			return nil, err
		}
		files[p.hour] = f
	}
	return files, nil
}

func (files hourFiles) close() {
	for _, f := range files {
		_ = f.Close() // nothing was written
	}
}

// speed is that of the reads, in MB/s.
func (c randomCell) speed(files hourFiles, places []place) (float64, error) {
	took, err := seconds(func() error {
		var group errgroup.Group
		for thread := range c.threads {
			group.Go(func() error { return c.read(files, places, thread) })
		}
		return group.Wait()
	})
	return float64(len(places)*c.sizeBytes) / took / 1e6, err
}

// read reads the share of a thread.
func (c randomCell) read(files hourFiles, places []place, thread int) error {
	p := make([]byte, c.sizeBytes)
	for i := thread; i < len(places); i += c.threads {
		f := files[places[i].hour]
		if _, err := f.ReadAt(p, places[i].offset); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return nil
}
