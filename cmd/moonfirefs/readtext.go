// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
)

// tooLongError is that of a file that has more bytes than it may.
type tooLongError struct {
	path     string
	maxBytes int64
}

func (e *tooLongError) Error() string {
	return fmt.Sprintf("%s has more than %d bytes", e.path, e.maxBytes)
}

// readText reads a file of up to so many bytes, which may be a pipe that nobody writes to. A byte
// order mark at its beginning is left out. The error of a longer one is a *tooLongError.
func readText(ctx context.Context, path string, maxBytes int64) ([]byte, error) {
	return awaitAnswer(ctx, func() ([]byte, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		text, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
		if err == nil && int64(len(text)) > maxBytes {
			err = &tooLongError{path, maxBytes}
		}
		return bytes.TrimPrefix(text, []byte("\uFEFF")), err // some editors begin files with it
	})
}
