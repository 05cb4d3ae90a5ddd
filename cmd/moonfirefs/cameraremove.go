package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/sample"
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
	c, err := o.camera(name)
	if err != nil {
		return err
	}
	if f.keepFootage {
		return retire(o, c)
	}
	if err := salvageFirst(o); err != nil {
		return err
	}
	if c, err = o.camera(name); err != nil { // with what was salvaged
		return err
	}
	var sizeBytes int64
	for i := range c.Streams {
		sizeBytes += c.Streams[i].SampleFileBytes
	}
	switch {
	case sizeBytes == 0:
	case !f.deleteFootage:
		return fmt.Errorf("camera %s has %s of footage: say --keep-footage or --delete-footage", c.ShortName, humanize.Bytes(uint64(sizeBytes)))
	default:
		if err := f.deleteAll(o, c, sizeBytes); err != nil {
			return err
		}
	}
	if err := o.DB.RemoveCamera(o.cmd.Context(), c.ID); err != nil {
		return err
	}
	return o.printf("Removed camera %s.", c.ShortName)
}

// salvageFirst completes what a crash has interrupted, which is footage as well. Left
// for later, nobody would know whose it is.
func salvageFirst(o *opened) error {
	reserved, _, err := o.DB.Reservations(o.cmd.Context())
	if err != nil || len(reserved) == 0 {
		return err
	}
	for _, r := range reserved {
		if dir := o.Dirs[r.Dir]; !r.Deleting && !dir.Available() {
			return fmt.Errorf("a crash has interrupted recordings in %s, which may be of this camera (connect its disk, or say --keep-footage): %w",
				dir.Path(), sample.ErrUnavailable)
		}
	}
	return deletePending(o)
}

// retire ends the recording of a camera.
func retire(o *opened, c *moonfirefs.Camera) error {
	c.Retired, c.Username, c.Password = true, "", ""
	if err := o.DB.UpdateCamera(o.cmd.Context(), c); err != nil {
		return err
	}
	return o.printf("Camera %s is not recorded any more. Its footage stays.", c.ShortName)
}

// deleteAll deletes the footage of a camera, with the recorder's lock held.
func (f *removeFlags) deleteAll(o *opened, c *moonfirefs.Camera, sizeBytes int64) error {
	if err := requireNothingKept(o, c); err != nil {
		return err
	}
	question := fmt.Sprintf("Delete all %s of footage of camera %s for good?", humanize.Bytes(uint64(sizeBytes)), c.ShortName)
	if err := confirm(o.cmd, question, f.yes); err != nil {
		return err
	}
	var deletions []*moonfirefs.Deletion
	for i := range c.Streams {
		s := &c.Streams[i]
		newest, ok, err := o.DB.Newest(o.cmd.Context(), s.ID)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		all := interval{stream: s, folder: s.FolderName(c), start: moonfirefs.MinTime90k, end: moonfirefs.MaxTime90k}
		deletions = append(deletions, all.deletion(newest.ID))
	}
	// Somebody may have kept some of it while the question was asked: then all stays.
	if err := o.DB.RequestDeletion(o.cmd.Context(), deletions...); err != nil {
		return err
	}
	return deletePending(o)
}

// requireNothingKept names what is kept of a camera.
func requireNothingKept(o *opened, c *moonfirefs.Camera) error {
	kept, err := o.DB.Kept(o.cmd.Context())
	if err != nil {
		return err
	}
	var names []string
	for _, k := range kept {
		if slices.ContainsFunc(c.Streams, func(s moonfirefs.Stream) bool { return s.ID == k.Stream }) {
			names = append(names, k.Name)
		}
	}
	if len(names) > 0 {
		return fmt.Errorf("footage of camera %s is kept: release %s first (moonfirefs keep --release NAME): %w",
			c.ShortName, strings.Join(names, ", "), moonfirefs.ErrInvalid)
	}
	return nil
}
