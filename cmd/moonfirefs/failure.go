// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit statuses.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	// exitUnchecked is that of a check that could not be made.
	exitUnchecked = 2
	// exitNoRecorder is that of status if no recorder runs.
	exitNoRecorder = 2
	// exitInterrupted is that of a command that somebody has interrupted.
	exitInterrupted = 130
)

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() + " (see --help)" }
func (e *usageError) Unwrap() error { return e.err }

// statusError is an error with an exit status of its own.
type statusError struct {
	err    error
	status int
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// exitStatus is that of a command which has returned err.
func exitStatus(ctx context.Context, err error) int {
	own := new(statusError)
	switch {
	case err == nil:
		return exitOK
	case interrupted(ctx, err):
		return exitInterrupted
	case errors.As(err, new(*usageError)):
		return exitUsage
	case errors.As(err, &own):
		return own.status
	}
	return exitFailure
}

// interrupted tells whether a command has ended with err because ctx has.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}

// errorText is what a person reads of an error.
func errorText(ctx context.Context, err error) string {
	if interrupted(ctx, err) {
		return "interrupted"
	}
	return err.Error()
}

// nobodyReads tells whether a command has failed since whoever read its output has gone
// away, as head does: nothing that a person should hear of.
func nobodyReads(err error, out any) bool {
	file, ok := out.(*os.File)
	var failed *fs.PathError
	return ok && errors.Is(err, syscall.EPIPE) && errors.As(err, &failed) && failed.Op == "write" && failed.Path == file.Name()
}

// asUsage makes a wrong number of arguments a usageError that names the right ones.
func asUsage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &usageError{fmt.Errorf("%w; usage: %s", err, cmd.UseLine())}
		}
		return nil
	}
}

// needs wants as many arguments as it names, such as CAMERA FROM TO. One that is empty, as a
// variable of a shell that is not set, is none.
func needs(names string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		empty := slices.Index(args, "")
		switch n := len(strings.Fields(names)); {
		case len(args) < n:
			return fmt.Errorf("needs %s", names)
		case len(args) > n:
			return fmt.Errorf("unexpected argument %q", args[n])
		case empty >= 0:
			return fmt.Errorf("%s is empty", strings.Fields(names)[empty])
		}
		return nil
	}
}

// noArguments is cobra.NoArgs, which takes an argument for a command.
func noArguments(cmd *cobra.Command, args []string) error { return needs("")(cmd, args) }

// onlyCommands is for commands that only have commands below them.
func onlyCommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
	return &usageError{suggest(err, "", cmd, args[0])}
}
