// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// awaitAnswer reads what somebody types, until they interrupt the program: reading itself
// goes on then, which no signal ends.
func awaitAnswer[T any](ctx context.Context, read func() (T, error)) (answer T, err error) {
	type result struct {
		answer T
		err    error
	}
	results := make(chan result, 1)
	go func() {
		answer, err := read()
		results <- result{answer, err}
	}()
	select {
	case <-ctx.Done():
		return answer, context.Cause(ctx)
	case r := <-results:
		return r.answer, r.err
	}
}

// awaitPassword reads a line from a terminal that does not show what is typed. However it
// ends, the terminal is as it was before.
func awaitPassword(ctx context.Context, terminal *os.File) (string, error) {
	fd := int(terminal.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return "", err
	}
	// Not by whoever reads, who may come to it after an interruption.
	silent := *before
	silent.Lflag = silent.Lflag&^unix.ECHO | unix.ICANON | unix.ISIG
	silent.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &silent); err != nil {
		return "", err
	}
	line, err := awaitAnswer(ctx, func() (string, error) { return bufio.NewReader(terminal).ReadString('\n') })
	if restoreErr := unix.IoctlSetTermios(fd, unix.TCSETS, before); err == nil {
		err = restoreErr
	}
	if errors.Is(err, io.EOF) && line != "" {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}
