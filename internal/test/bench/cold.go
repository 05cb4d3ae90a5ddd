// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// coldReads is row 16: what a hard disk has to do for an hour that is read in order, of which
// the kernel remembers nothing. The disk that it counts the requests of answers at once, so
// the reader takes the time that a hard disk would.
func coldReads(ctx context.Context, b *bench) (err error) {
	disk, err := b.newLoopDisk("cold", "ext4", 4<<30)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.close()) }()
	store, err := b.newHours(ctx, "cold/store", 1, b.coldBytes)
	if err != nil {
		return err
	}
	for _, how := range []struct {
		name         string
		preallocates bool
	}{{"grown", false}, {"preallocated", true}} {
		if err := layOut(filepath.Join(store, "samples"), b.path("cold/layout-"+how.name), how.preallocates); err != nil {
			return err
		}
		all, sizeBytes, err := coldFiles(disk, store)
		if err != nil {
			return err
		}
		b.reportCold("sample files of a cold hour, "+how.name+", one after another", all, sizeBytes)
		for _, kib := range []int{2048, 128} {
			all, sizeBytes, err := b.coldRead(ctx, disk, store, kib)
			if err != nil {
				return err
			}
			b.reportCold(fmt.Sprintf("a cold hour of files that were %s, read-ahead of the mount %d KiB", how.name, kib), all, sizeBytes)
		}
	}
	return nil
}

func (b *bench) reportCold(what string, all []request, sizeBytes int64) {
	const recordings = 60
	work := countRequests(all)
	ideal := float64(sizeBytes) / float64(hardDisk.bytesPerSecond)
	b.note(16, what+": positions for a recording; share of a hard disk's speed; in all", "%.1f; %.2f; %s",
		float64(work.positions)/recordings, ideal/hardDisk.busy(all).Seconds(), work)
}

// coldFiles reads sample files in the order of their names, which is that of time: what their
// places on the disk cost at least.
func coldFiles(disk *loopDisk, store string) (all []request, sizeBytes int64, err error) {
	if err := errors.Join(disk.cool(), disk.forget()); err != nil {
		return nil, 0, err
	}
	paths, err := filepath.Glob(filepath.Join(store, "samples", "*-*"))
	if err != nil {
		return nil, 0, err
	}
	for _, path := range paths {
		n, err := readPaced(path, hardDisk.bytesPerSecond)
		if err != nil {
			return nil, 0, err
		}
		sizeBytes += n
	}
	all, err = disk.requests()
	return all, sizeBytes, err
}

// coldRead reads an hour, and tells what the disk was asked for since it was mounted.
func (b *bench) coldRead(ctx context.Context, disk *loopDisk, store string, readAheadKiB int) (all []request, sizeBytes int64, err error) {
	if err := disk.cool(); err != nil {
		return nil, 0, err
	}
	s, err := b.mount(ctx, store)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := setReadAhead(s.mountpoint, readAheadKiB); err != nil {
		return nil, 0, err
	}
	if err := disk.forget(); err != nil {
		return nil, 0, err
	}
	path := s.path(hourName(0))
	if sizeBytes, err = readPaced(path, hardDisk.bytesPerSecond); err != nil {
		return nil, 0, err
	}
	all, err = disk.requests()
	return all, sizeBytes, err
}

// readPaced reads a file no faster than at a speed, and tells how large it is.
func readPaced(path string, bytesPerSecond int64) (sizeBytes int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	p := make([]byte, 256<<10)
	for {
		n, err := f.Read(p)
		if errors.Is(err, io.EOF) {
			return sizeBytes, nil
		}
		if err != nil {
			return 0, err
		}
		sizeBytes += int64(n)
		time.Sleep(time.Duration(int64(n) * int64(time.Second) / bytesPerSecond))
	}
}

// setReadAhead sets how far the kernel reads ahead in a mount.
func setReadAhead(mountpoint string, kib int) error {
	var stat unix.Stat_t
	if err := unix.Stat(mountpoint, &stat); err != nil {
		return err
	}
	path := fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", unix.Major(stat.Dev), unix.Minor(stat.Dev))
	return os.WriteFile(path, fmt.Append(nil, kib), 0o600)
}
