// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

func newBackupCommand(g *global) *cobra.Command {
	var asked progressFlag
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Back up the index, even while recording",
		Long: `Copies the index to FILE: a consistent snapshot, verified and durable, even while
recording. An earlier backup of the same store is replaced once the new one is
complete; an interrupted backup leaves nothing behind. Events, if there are any, are
copied to FILE.events. FILE holds the cameras'
passwords; only its owner can read it.

FILE does not contain footage. docs/index-backup.md explains how to restore it.`,
		Example: `  moonfirefs backup /media/backup/moonfire-index.db`,
		Args:    asUsage(needs("FILE")),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.withStore(cmd, store.Reading, func(o *opened) error { return o.backup(args[0], &asked) })
		},
	}
	asked.add(cmd)
	return cmd
}

// requireBackupPlace refuses a file that the store has for itself, or would have.
func (o *opened) requireBackupPlace(path string) error {
	if isAddress(path) {
		return &usageError{errors.New("FILE is a file on this machine, and not an address")}
	}
	if path == "-" { // as export has it
		return &usageError{errors.New("the index cannot be written to standard output: FILE must be a file (./- is one of that name)")}
	}
	if err := requireNoSampleDir(path); err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	own, err := os.Stat(o.path)
	if err == nil && os.SameFile(folder, own) && store.OwnName(filepath.Base(path)) {
		err = moonfirefs.Errorf(moonfirefs.ErrInvalid, "back up to %s: that is one of the store's own files", path)
	}
	return err
}

func (o *opened) backup(path string, asked *progressFlag) error {
	if err := o.requireBackupPlace(path); err != nil {
		return err
	}
	show := func(int64, int64) {}
	if asked.wanted(o.cmd) {
		bar := newProgress(o.cmd.ErrOrStderr(), "copying", "")
		defer bar.end()
		show = bar.show
	}
	if err := o.DB.Backup(o.cmd.Context(), path, show); err != nil {
		return err
	}
	if err := o.printf("Copied the index to %s.", path); err != nil {
		return err
	}
	// The index is there for good: an interruption would leave it without its events.
	return o.backUpEvents(context.WithoutCancel(o.cmd.Context()), path+backupEventsSuffix)
}
