// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// tree is an ext4 file system of its own, on a loop device, so that what the kernel
// remembers of it can be dropped without troubling the rest of the machine.
type tree struct{ image, mountpoint string }

// newTree makes one.
func (b *bench) newTree(ctx context.Context) (*tree, error) {
	t := &tree{image: b.path("ext4.image"), mountpoint: b.path("ext4")}
	f, err := os.Create(t.image)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(4<<30), f.Close(), os.Mkdir(t.mountpoint, 0o755)); err != nil {
		return nil, err
	}
	if err := command(ctx, "mkfs.ext4", "-q", "-N", "300000", "-E", "lazy_itable_init=0,lazy_journal_init=0", t.image); err != nil {
		return nil, err
	}
	return t, t.mount(ctx)
}

func (t *tree) mount(ctx context.Context) error {
	return command(ctx, "mount", "-o", "loop,noatime", t.image, t.mountpoint)
}

func (t *tree) unmount() error { return command(context.Background(), "umount", t.mountpoint) }

// forget makes the kernel forget all names and attributes of the file system.
func (t *tree) forget(ctx context.Context) error { return errors.Join(t.unmount(), t.mount(ctx)) }

// imitate makes the same folders and files as there are below a path, empty but of
// the same sizes and times.
func (t *tree) imitate(from, name string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		copied := filepath.Join(t.mountpoint, name, relative)
		if entry.IsDir() {
			return os.Mkdir(copied, 0o755)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if err := os.WriteFile(copied, nil, 0o644); err != nil {
			return err
		}
		return errors.Join(os.Truncate(copied, info.Size()), os.Chtimes(copied, info.ModTime(), info.ModTime()))
	})
}
