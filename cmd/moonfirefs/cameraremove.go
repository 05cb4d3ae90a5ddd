package main

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// removeFlags are the flags of camera remove.
type removeFlags struct{ keepFootage, deleteFootage, yes bool }

func newCameraRemoveCommand(g *global) *cobra.Command {
	f := &removeFlags{}
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Stop recording a camera for good",
		Long: `Removes a camera. If there is footage of it, say what is to become of that:

--keep-footage: the mount shows it as before, and nothing of it goes by itself. The
camera is not recorded any more, its password is forgotten, and its name stays taken.
(To record it again: moonfirefs camera edit NAME --record.)

--delete-footage: it is deleted, after asking, and the camera is forgotten. Footage
that is kept (moonfirefs keep) must be released first.

No recorder may run meanwhile.`,
		Example: `  moonfirefs camera remove garden --keep-footage
  moonfirefs camera remove garden --delete-footage`,
		Args: asUsage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.keepFootage && f.deleteFootage {
				return &usageError{errors.New("--keep-footage and --delete-footage exclude each other")}
			}
			err := g.withStore(cmd, store.Recording, func(o *opened) error { return f.remove(o, args[0]) })
			if errors.Is(err, moonfirefs.ErrStoreLocked) {
				err = fmt.Errorf("%w (stop the recorder first)", err)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&f.keepFootage, "keep-footage", false, "go on showing its footage")
	cmd.Flags().BoolVar(&f.deleteFootage, "delete-footage", false, "delete all footage of it")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	return cmd
}

func (f *removeFlags) remove(o *opened, name string) error {
	ctx := o.cmd.Context()
	if f.keepFootage {
		c, err := curate.RetireCamera(ctx, o.DB, name)
		if err != nil {
			return err
		}
		return o.printf("Camera %s is not recorded any more. Its footage stays.", c.ShortName)
	}
	removal := curate.Removal{By: requester(), Logger: o.log}
	if f.deleteFootage {
		removal.ConfirmDeletion = func(c *moonfirefs.Camera, sizeBytes int64) error {
			question := fmt.Sprintf("Delete all %s of footage of camera %s for good?", humanize.Bytes(uint64(sizeBytes)), c.ShortName)
			return confirm(o.cmd, question, f.yes)
		}
	}
	c, err := curate.RemoveCamera(ctx, o.Store, name, removal)
	if e := new(curate.HasFootageError); errors.As(err, &e) {
		return fmt.Errorf("camera %s has %s of footage: say --keep-footage or --delete-footage", e.Camera, humanize.Bytes(uint64(e.SampleFileBytes)))
	}
	if err != nil {
		return err
	}
	return o.printf("Removed camera %s.", c.ShortName)
}
