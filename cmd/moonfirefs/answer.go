// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"os"

	"golang.org/x/term"
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

// awaitPassword reads a line from a terminal that does not show what is typed.
func awaitPassword(ctx context.Context, terminal *os.File) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	password, err := awaitAnswer(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	if ctx.Err() != nil {
		_ = term.Restore(fd, before) // for the shell; there is nobody to tell
	}
	return string(password), err
}
