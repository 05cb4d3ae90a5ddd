// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"io/fs"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// opened is a store that a command works on.
type opened struct {
	*store.Store
	// path is the store's directory.
	path string
	cmd  *cobra.Command
	log  *slog.Logger
	// planned are directories that are about to be added, with ids below 0.
	planned []index.SampleDir
}

// open opens the store as mode says. Whoever calls it closes the store.
func (g *global) open(cmd *cobra.Command, mode store.Mode) (*opened, error) {
	log, err := g.logger(cmd)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(cmd.Context(), g.store, mode, log)
	if err != nil {
		return nil, err
	}
	return &opened{Store: s, path: g.store, cmd: cmd, log: log}, nil
}

// withStore opens the store as mode says, and closes it behind act.
func (g *global) withStore(cmd *cobra.Command, mode store.Mode, act func(*opened) error) error {
	o, err := g.open(cmd, mode)
	if err != nil {
		return err
	}
	defer closing(o.log, o.Store)
	return act(o)
}

// mayNotRead tells whether a store could not be opened since it is somebody else's.
func mayNotRead(err error) bool { return errors.Is(err, fs.ErrPermission) }

// printf tells what was done, on a line of its own.
func (o *opened) printf(format string, args ...any) error { return printLine(o.cmd, format, args...) }
