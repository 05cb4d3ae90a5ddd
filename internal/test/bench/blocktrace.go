// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// loopDisk is a file system in a file, by way of a loop device, whose requests the
// kernel notes. The device has a cache that must be flushed, as most disks do, and no other
// way to get past it (FUA), as most disks on SATA.
type loopDisk struct {
	// path is where it is mounted.
	path, device string
	// kind and options are how it is mounted.
	kind, options string
	// tracing is where the kernel's tracing is mounted, events a buffer of it of our own.
	tracing, events string
	undo            []func() error
}

// makeFileSystem has the commands that do it, by the kind of file system.
var makeFileSystem = map[string][]string{
	"ext4": {"mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"},
	"xfs":  {"mkfs.xfs", "-q", "-f"},
}

// newLoopDisk makes a file system of a size, of which only what is used takes room. What it
// is to be is its kind and perhaps options to mount it with, such as ext4:commit=60.
func (b *bench) newLoopDisk(name, what string, sizeBytes int64) (d *loopDisk, err error) {
	d = &loopDisk{path: b.path(name), tracing: b.path(name + ".tracing")}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	image := b.path(name + ".image")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, sizeBytes), os.Mkdir(d.path, 0o755), os.Mkdir(d.tracing, 0o755)); err != nil {
		return d, err
	}
	d.undo = append(d.undo, func() error { return os.Remove(image) })
	kind, options, _ := strings.Cut(what, ":")
	words, known := makeFileSystem[kind]
	if !known {
		return d, fmt.Errorf("file system %q is not known", kind)
	}
	if err := run(words[0], append(words[1:len(words):len(words)], image)...); err != nil {
		return d, err
	}
	device, err := exec.Command("losetup", "--find", "--show", image).Output()
	if err != nil {
		return d, fmt.Errorf("losetup: %w", err)
	}
	d.device = strings.TrimSpace(string(device))
	d.undo = append(d.undo, func() error { return run("losetup", "--detach", d.device) })
	d.kind, d.options = kind, options
	if err := d.mount(); err != nil {
		return d, err
	}
	d.undo = append(d.undo, func() error { return unix.Unmount(d.path, 0) })
	return d, d.prepareTracing()
}

func (d *loopDisk) mount() error {
	if err := unix.Mount(d.device, d.path, d.kind, 0, d.options); err != nil {
		return fmt.Errorf("mount %s: %w", d.device, err)
	}
	return nil
}

// cool has the kernel forget all that it has read of the file system, which nobody may use.
func (d *loopDisk) cool() error {
	if err := unix.Unmount(d.path, 0); err != nil {
		return fmt.Errorf("unmount %s: %w", d.device, err)
	}
	return d.mount()
}

// prepareTracing has the kernel note what this device is asked for, in a buffer that nobody
// else uses.
func (d *loopDisk) prepareTracing() error {
	if err := unix.Mount("none", d.tracing, "tracefs", 0, ""); err != nil {
		return fmt.Errorf("mount tracefs: %w", err)
	}
	d.undo = append(d.undo, func() error { return unix.Unmount(d.tracing, 0) })
	d.events = filepath.Join(d.tracing, "instances", fmt.Sprintf("moonfirefs-bench-%d", os.Getpid()))
	if err := os.Mkdir(d.events, 0o755); err != nil {
		return err
	}
	d.undo = append(d.undo, func() error { return unix.Rmdir(d.events) })
	var stat unix.Stat_t
	if err := unix.Stat(d.device, &stat); err != nil {
		return err
	}
	number := unix.Major(stat.Rdev)<<20 | unix.Minor(stat.Rdev) // as the kernel has it
	return errors.Join(
		d.set("buffer_size_kb", "8192"),
		d.set("events/block/block_rq_issue/filter", fmt.Sprintf("dev == %d", number)),
		d.set("events/block/block_rq_issue/enable", "1"),
	)
}

func (d *loopDisk) set(file, value string) error {
	return os.WriteFile(filepath.Join(d.events, file), []byte(value), 0o600)
}

// forget lets what follows begin with nothing noted.
func (d *loopDisk) forget() error { return d.set("trace", "") }

// requests are what the device was asked for since forget.
func (d *loopDisk) requests() ([]request, error) {
	trace, err := os.ReadFile(filepath.Join(d.events, "trace"))
	return parseRequests(string(trace)), err
}

// close leaves nothing behind.
func (d *loopDisk) close() (err error) {
	for len(d.undo) > 0 {
		last := len(d.undo) - 1
		err = errors.Join(err, d.undo[last]())
		d.undo = d.undo[:last]
	}
	return err
}

// run is command for what must not be interrupted.
func run(name string, args ...string) error {
	if output, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, output)
	}
	return nil
}
