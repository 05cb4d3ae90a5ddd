// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
)

// maxReplaced is how often in a row a file may be replaced while it is opened. Who writes
// does so when it starts, or stops.
const maxReplaced = 100

// openRegular opens a file that is there, and nothing but a file. A directory can come
// from somebody else: to open a FIFO would wait for ever, to open a device could do
// anything, and a link could lead to a file of another name.
func openRegular(root *os.Root, name string, flag int) (*os.File, error) {
	for range maxReplaced {
		f, err := openUnreplaced(root, name, flag)
		if !errors.Is(err, errReplaced) {
			return f, err
		}
	}
	return nil, fmt.Errorf("%s is replaced again and again: %w", name, moonfirefs.ErrCorrupt)
}

// errReplaced is that of a file which was replaced while it was opened.
var errReplaced = errors.New("it was replaced")

// openUnreplaced opens the file that it has found to be a regular one.
func openUnreplaced(root *os.Root, name string, flag int) (*os.File, error) {
	before, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: %w", name, moonfirefs.ErrCorrupt)
	}
	// Should it have been replaced since, the flag keeps a FIFO from blocking.
	f, err := root.OpenFile(name, flag|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err == nil && !os.SameFile(before, opened) {
		err = errReplaced
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// readSmall reads a whole file that may have up to maxBytes.
func readSmall(root *os.Root, name string, maxBytes int64) ([]byte, error) {
	f, err := openRegular(root, name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err == nil && int64(len(data)) > maxBytes {
		err = fmt.Errorf("%s has more than %d bytes: %w", name, maxBytes, moonfirefs.ErrCorrupt)
	}
	return data, err
}
