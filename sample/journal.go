// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
)

// journalSuffix follows the name of a sample file in the name of its journal.
const journalSuffix = ".journal"

func journalName(name uuid.UUID) string { return name.String() + journalSuffix }

// CreateJournal makes the journal of a sample file, opened for appending; it fails
// if the journal exists. The caller closes it.
func (d *Dir) CreateJournal(name uuid.UUID) (*NewFile, error) {
	f, err := d.createAt(journalName(name))
	if err != nil {
		return nil, fmt.Errorf("create journal: %w", err)
	}
	return &NewFile{File: f, counters: &d.counters}, nil
}

// ReadJournal reads the journal of a sample file, but not more than maxBytes. A
// missing journal is reported as fs.ErrNotExist, or, where that cannot be in
// order, as ErrForgotten.
func (d *Dir) ReadJournal(name uuid.UUID, maxBytes int64) ([]byte, error) {
	f, err := d.openAt(journalName(name), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) && d.Forgotten(name) {
		return nil, fmt.Errorf("open journal of %s: %w", name, ErrForgotten)
	}
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes))
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	return data, nil
}

// Changed returns when a file was last added to the directory, or removed, as its file system
// dates it: that may be some milliseconds too early.
func (d *Dir) Changed() (time.Time, error) {
	info, err := d.lstatAt(".")
	if err != nil {
		return time.Time{}, fmt.Errorf("look at sample directory: %w", err)
	}
	return info.ModTime(), nil
}

// UnlinkJournal removes the journal of a sample file, if it has one.
func (d *Dir) UnlinkJournal(name uuid.UUID) error {
	if d.remote() != nil {
		return nil
	}
	if err := d.removeAt(journalName(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unlink journal: %w", err)
	}
	return nil
}

// Journals returns the names of the sample files that have a journal, whether
// they exist or not, in no order.
func (d *Dir) Journals() (names []uuid.UUID, err error) {
	if d.remote() != nil {
		return nil, nil // nothing is recorded there
	}
	// A handle of its own: reading moves the handle's position.
	handle, err := d.openSelf()
	if err != nil {
		return nil, fmt.Errorf("list journals: %w", err)
	}
	defer handle.Close()
	for {
		entries, err := handle.Readdirnames(listBatch)
		for _, entry := range entries {
			stem, isJournal := strings.CutSuffix(entry, journalSuffix)
			if name, ok := parseName(stem); ok && isJournal {
				names = append(names, name)
			}
		}
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list journals: %w", err)
		}
	}
}
