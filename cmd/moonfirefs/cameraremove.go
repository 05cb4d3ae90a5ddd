// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/monitor"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// removeFlags are the flags of camera remove.
type removeFlags struct{ keepFootage, deleteFootage, yes bool }

func newCameraRemoveCommand(g *global) *cobra.Command {
	f := &removeFlags{}
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Stop recording a camera for good",
		Long: `Removes a camera. If it has footage, choose what happens to it:

--keep-footage: the mount shows the footage as before, and none of it is deleted
automatically. The camera is no longer recorded, its password is erased, and its name
stays taken. (To record it again: moonfirefs camera edit NAME --record.)

--delete-footage: the footage is deleted, after a confirmation, and the camera is
removed. Footage kept with "moonfirefs keep" must be released first.

A running recorder lets go of the camera and continues with the others.`,
		Example: `  moonfirefs camera remove garden --keep-footage
  moonfirefs camera remove garden --delete-footage`,
		Args: asUsage(needs("NAME")),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.keepFootage && f.deleteFootage {
				return &usageError{errors.New("--keep-footage and --delete-footage cannot be used together")}
			}
			if f.keepFootage {
				return g.withStore(cmd, store.Configuring, func(o *opened) error { return retire(o, args[0]) })
			}
			err := g.withStore(cmd, store.Recording, func(o *opened) error { return f.remove(o, args[0]) })
			if errors.Is(err, moonfirefs.ErrStoreLocked) {
				err = f.removeBesideRecorder(g, cmd, args[0])
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&f.keepFootage, "keep-footage", false, "keep its footage and show it as before")
	cmd.Flags().BoolVar(&f.deleteFootage, "delete-footage", false, "delete all its footage")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	return cmd
}

// retire ends the recording of a camera whose footage stays.
func retire(o *opened, name string) error {
	c, err := curate.RetireCamera(o.cmd.Context(), o.DB, name)
	if err != nil {
		return err
	}
	return o.printf("Camera %s is no longer recorded. Its footage stays.", c.ShortName)
}

// remove removes a camera while no recorder runs.
func (f *removeFlags) remove(o *opened, name string) error {
	c, err := curate.RemoveCamera(o.cmd.Context(), o.Store, name, f.removal(o.cmd, o.log))
	return tellRemoved(o.cmd, c, err)
}

// removeBesideRecorder has a recorder that runs let go of a camera, and removes it.
func (f *removeFlags) removeBesideRecorder(g *global, cmd *cobra.Command, name string) error {
	log, err := g.logger(cmd)
	if err != nil {
		return err
	}
	open := func(mode store.Mode, act func(*store.Store) error) error {
		return g.withStore(cmd, mode, func(o *opened) error { return act(o.Store) })
	}
	released := func() (bool, error) { return isReleased(g.store, name) }
	c, err := curate.RemoveBesideRecorder(cmd.Context(), open, name, f.removal(cmd, log), released)
	return tellRemoved(cmd, c, err)
}

// isReleased tells whether no recorder writes, or has yet to commit, recordings of a
// camera.
func isReleased(path, name string) (bool, error) {
	r, err := monitor.Ask(path)
	if errors.Is(err, monitor.ErrNoRecorder) {
		// If it has crashed, what it has interrupted must be salvaged first.
		return false, errors.New("the recorder has stopped: repeat the command")
	}
	if err != nil {
		return false, err
	}
	for i := range r.Streams {
		if strings.EqualFold(r.Streams[i].Camera, name) && r.Streams[i].Live != nil {
			return false, nil
		}
	}
	for i := range r.Directories {
		if r.Directories[i].UncommittedRecordings > 0 {
			return false, nil
		}
	}
	return true, nil
}

func (f *removeFlags) removal(cmd *cobra.Command, log *slog.Logger) curate.Removal {
	removal := curate.Removal{By: requester(), Logger: log}
	if f.deleteFootage {
		removal.ConfirmDeletion = func(c *moonfirefs.Camera, sizeBytes int64) error {
			question := fmt.Sprintf("Delete all %s of footage of camera %s for good?", humanize.Bytes(uint64(sizeBytes)), c.ShortName)
			return confirm(cmd, question, f.yes)
		}
	}
	return removal
}

// tellRemoved says what has come of it.
func tellRemoved(cmd *cobra.Command, c *moonfirefs.Camera, err error) error {
	if e := new(curate.HasFootageError); errors.As(err, &e) {
		return fmt.Errorf("camera %s has %s of footage: choose --keep-footage or --delete-footage", e.Camera, humanize.Bytes(uint64(e.SampleFileBytes)))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "Removed camera %s.\n", printable.Text(c.ShortName))
	return err
}
