// SPDX-License-Identifier: GPL-3.0-or-later

package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// The errors of files that somebody has put in the place of ours.
var (
	ErrIrregular = errors.New("not a regular file")
	ErrTooLarge  = errors.New("too large")
)

// RequireRegular refuses, with an error that wraps ErrIrregular, what is at a path and no file:
// to open a FIFO would wait for ever. Nothing at all is no error.
func RequireRegular(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is %w", path, ErrIrregular)
	}
	return nil
}

// OpenRegular opens the file at a path for reading, without waiting. The error of what is no file
// wraps ErrIrregular.
func OpenRegular(path string) (*os.File, error) {
	if err := RequireRegular(path); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
}

// ReadSmall reads the file at a path, which may have up to maxBytes; the error of one that has
// more wraps ErrTooLarge, and that of what is no file ErrIrregular.
func ReadSmall(path string, maxBytes int64) ([]byte, error) {
	f, err := OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err == nil && int64(len(data)) > maxBytes {
		return nil, fmt.Errorf("%s is %w: it has more than %d bytes", path, ErrTooLarge, maxBytes)
	}
	return data, err
}
