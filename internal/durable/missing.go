// SPDX-License-Identifier: GPL-3.0-or-later

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Missing are the directories that MkdirAll would make, the innermost first.
type Missing []string

// MissingOf returns which of a directory and those above it are not there.
func MissingOf(path string) (missing Missing) {
	for {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return missing
		}
		missing = append(missing, path)
		parent := filepath.Dir(path)
		if parent == path {
			return missing
		}
		path = parent
	}
}

// Remove removes those that are there by now and empty, so that what has failed leaves none.
func (m Missing) Remove() {
	for _, path := range m {
		if err := syscall.Rmdir(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return // nor are those above it empty
		}
	}
}
