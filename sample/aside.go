// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// asideName is the folder, within the directory, of files that a repair has set
// aside: out of the way, on the same disk, and nobody's to delete but a person's.
const asideName = "aside"

// MoveAside moves a sample file, and its journal if it has one, out of the way,
// durably, and returns its new path, also where it could not be made durable. It never replaces a file. A missing file is
// reported as fs.ErrNotExist. A Dir that is ReadOnly does not do it.
func (d *Dir) MoveAside(name uuid.UUID) (path string, err error) {
	if r := d.remote(); r != nil && d.mode != ReadOnly {
		return r.MoveAside(name)
	}
	aside, err := d.openAside()
	if err != nil {
		return "", fmt.Errorf("move sample file aside: %w", err)
	}
	defer aside.Close()
	if path, err = d.moveAside(name.String()); err != nil {
		return "", fmt.Errorf("move sample file aside: %w", err)
	}
	if _, err := d.moveAside(journalName(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("move journal aside: %w", err)
	}
	// The new name before the old one is gone: a power cut must leave one of them.
	if err := errors.Join(durable.SyncRoot(aside), d.Sync()); err != nil {
		return path, fmt.Errorf("move sample file aside: %w", err)
	}
	return path, nil
}

// NoteAside writes a file that explains one that is set aside, durably.
func (d *Dir) NoteAside(name uuid.UUID, data []byte) error {
	if err := d.noteAside(name.String()+".json", data); err != nil {
		return fmt.Errorf("note what is moved aside: %w", err)
	}
	return nil
}

func (d *Dir) noteAside(note string, data []byte) error {
	if r := d.remote(); r != nil && d.mode != ReadOnly {
		return r.NoteAside(note, data)
	}
	aside, err := d.openAside()
	if err != nil {
		return err
	}
	return errors.Join(writeDurably(aside, note, durable.Replace, data), aside.Close())
}

// openAside opens the folder and makes it if there is none.
func (d *Dir) openAside() (*os.Root, error) {
	if d.mode == ReadOnly {
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "directory %s is open for reading only", d.Path())
	}
	p, err := d.at()
	if err != nil {
		return nil, err
	}
	err = p.Mkdir(asideName, 0o700)
	if err == nil {
		err = errors.Join(durable.AdoptName(p.Root, asideName), d.Sync())
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return p.OpenRoot(asideName)
}

func (d *Dir) moveAside(name string) (path string, err error) {
	p, err := d.at()
	if err != nil {
		return "", err
	}
	target := asideName + "/" + name
	// Nobody else makes such files, so nothing appears in between.
	if _, err := p.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		return "", errors.Join(fmt.Errorf("%s: %w", target, moonfirefs.ErrExists), err)
	}
	if err := p.Rename(name, target); err != nil {
		return "", err
	}
	return d.Path() + "/" + target, nil
}
