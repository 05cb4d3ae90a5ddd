// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// opened is a store that a command works on.
type opened struct {
	*store.Store
	// path is the store's directory.
	path string
	cmd  *cobra.Command
	log  *slog.Logger
}

// withStore opens the store as mode says, and closes it behind act.
func (g *global) withStore(cmd *cobra.Command, mode store.Mode, act func(*opened) error) error {
	log, err := g.logger(cmd)
	if err != nil {
		return err
	}
	s, err := store.Open(cmd.Context(), g.store, mode, log)
	if err != nil {
		return err
	}
	defer closing(log, s)
	return act(&opened{s, g.store, cmd, log})
}

// printf tells what was done, on a line of its own.
func (o *opened) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(o.cmd.OutOrStdout(), format+"\n", printable.Values(args)...)
	return err
}
