// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/google/uuid"
	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	cameralib "github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// applyFlags are the flags of apply.
type applyFlags struct{ dryRun, yes, print, whole bool }

func newApplyCommand(g *global) *cobra.Command {
	f := &applyFlags{}
	cmd := &cobra.Command{
		Use:   "apply {FILE | --print}",
		Short: "Set up cameras and directories from a file",
		Long: `Adds and changes cameras, and where their footage is, so that they are what FILE says
(docs/apply.md), by the rules of "camera add", "camera edit", "dir add" and "tier add", and
prints what differs. A running recorder takes that up within a second. Cameras are not
tested, buckets are.

A camera that is not in FILE is no longer recorded; its footage stays, and so does its
name. Footage of a camera that has no tier in FILE no longer moves. Before that, and before
a lower limit has footage deleted, the command asks. Directories are not removed.

All of FILE is checked before anything is changed.`,
		Example: `  moonfirefs apply --print >cameras.toml
  moonfirefs apply cameras.toml --dry-run
  moonfirefs apply cameras.toml`,
		Args: asUsage(func(cmd *cobra.Command, args []string) error {
			switch {
			case f.print:
				return noArguments(cmd, args)
			case f.whole:
				return errors.New("--whole-addresses is for --print")
			}
			return needs("FILE")(cmd, args)
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.print {
				return g.withStore(cmd, store.Reading, f.printSetUpFile)
			}
			file, err := readSetUpFile(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			mode := store.Configuring
			if f.dryRun {
				mode = store.Reading
			}
			return g.withStore(cmd, mode, func(o *opened) error { return f.apply(o, file) })
		},
	}
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "only print what differs")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&f.print, "print", false, "print present cameras and directories as such a file, without passwords; *** stands for what can be secret in an address")
	cmd.Flags().BoolVar(&f.whole, "whole-addresses", false, "with --print: print addresses with passwords and keys that are part of them")
	return cmd
}

// cameraChange is what apply does about a camera: before is nil for a new one, after for one
// that is not in the file.
type cameraChange struct {
	before, after *moonfirefs.Camera
	tiers         []index.TierChange
	differences   []string
}

func (f *applyFlags) apply(o *opened, file *setUpFile) error {
	dirs, err := o.planDirs(file)
	if err != nil {
		return err
	}
	changes, err := o.planChanges(file, dirs)
	if err != nil {
		return err
	}
	if err := dirs.tell(o); err != nil {
		return err
	}
	for i := range changes {
		if err := changes[i].tell(o); err != nil {
			return err
		}
	}
	if len(changes) == 0 && len(dirs.added) == 0 {
		return o.printf("Nothing to change.")
	}
	if f.dryRun {
		return nil
	}
	if f.yes && len(file.Cameras) == 0 && len(changes) > 0 {
		// More likely, whatever writes the file has failed.
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "the file has no camera, and --yes does not mean that none is to be recorded: to answer for each, apply it without --yes")
	}
	// All questions come before the first change.
	for i := range changes {
		if err := changes[i].confirm(o, f.yes); err != nil {
			return err
		}
	}
	if err := dirs.carryOut(o, changes); err != nil {
		return err
	}
	for i := range changes {
		if err := changes[i].carryOut(o); err != nil {
			return err
		}
	}
	return o.tellApplied(dirs, changes)
}

// tellApplied says what was done, and where there is less room than is allowed for.
func (o *opened) tellApplied(dirs *dirPlan, changes []cameraChange) error {
	var done []string
	if n := len(dirs.added); n > 0 {
		done = append(done, english.Plural(n, "directory", "directories")+" added")
	}
	if n := len(changes); n > 0 {
		done = append(done, counted(n, "camera")+" changed")
	}
	if err := o.printf("%s.", strings.Join(done, ", ")); err != nil {
		return err
	}
	told := make(map[moonfirefs.SampleDirID]bool)
	for i := range changes {
		for _, tier := range changes[i].tiers {
			if tier.After == nil || told[tier.After.SampleDir] {
				continue
			}
			told[tier.After.SampleDir] = true
			if err := o.tellTierRoom(tier.After.SampleDir); err != nil {
				return err
			}
		}
	}
	return nil
}

// planChanges compares the file with the store.
func (o *opened) planChanges(file *setUpFile, dirs *dirPlan) (changes []cameraChange, err error) {
	cameras, err := o.DB.Cameras(o.cmd.Context())
	if err != nil {
		return nil, err
	}
	left := maps.Clone(file.Cameras)
	for i := range cameras {
		c := &cameras[i]
		name, entry, found := findEntry(left, c.ShortName)
		if !found {
			if !c.Retired {
				changes = append(changes, cameraChange{before: c})
			}
			continue
		}
		delete(left, name)
		change, err := o.planEdit(&entry, c, dirs)
		if err != nil {
			return nil, fmt.Errorf("camera %s: %w", printable.Text(name), err)
		}
		if len(change.differences) > 0 {
			changes = append(changes, *change)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		entry := left[name]
		change, err := o.planAddition(&entry, name, dirs)
		if err != nil {
			return nil, fmt.Errorf("camera %s: %w", printable.Text(name), err)
		}
		changes = append(changes, *change)
	}
	return changes, nil
}

// planEdit compares an entry with the camera that it is about.
func (o *opened) planEdit(entry *cameraEntry, c *moonfirefs.Camera, dirs *dirPlan) (*cameraChange, error) {
	after := c.Settings()
	entry.restoreAddresses(c)
	if err := entry.apply(o, &after); err != nil {
		return nil, err
	}
	if entry.Sub == "" && len(c.Streams) > 1 {
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "it has a sub stream, which cannot be taken away: give sub and sub-retain")
	}
	tiers, err := o.planPlaces(entry, &after, dirs)
	if err != nil {
		return nil, err
	}
	return &cameraChange{c, &after, tiers, append(o.differences(c, &after), o.tierDifferences(tiers)...)}, nil
}

// planAddition makes a camera of an entry.
func (o *opened) planAddition(entry *cameraEntry, name string, dirs *dirPlan) (*cameraChange, error) {
	c := &moonfirefs.Camera{UUID: uuid.New(), ShortName: name}
	if err := o.fillNew(entry, c); err != nil {
		return nil, err
	}
	tiers, err := o.planPlaces(entry, c, dirs)
	if err != nil {
		return nil, err
	}
	return &cameraChange{nil, c, tiers, o.tierDifferences(tiers)}, nil
}

// planPlaces is planTiers, and refuses directories that are not in the file.
func (o *opened) planPlaces(entry *cameraEntry, c *moonfirefs.Camera, dirs *dirPlan) ([]index.TierChange, error) {
	for i := range c.Streams {
		if err := dirs.require(o, c.Streams[i].SampleDir, "it is recorded to"); err != nil {
			return nil, err
		}
	}
	tiers, err := o.planTiers(entry, c)
	if err != nil {
		return nil, err
	}
	for _, s := range []*cameraTier{entry.Tier, entry.SubTier} {
		if s == nil {
			continue
		}
		id, err := o.findDirOf("--to", s.To)
		if err == nil {
			err = dirs.require(o, id, "its footage moves to")
		}
		if err != nil {
			return nil, err
		}
	}
	return tiers, nil
}

// fillNew fills in a camera that is to be added.
func (o *opened) fillNew(entry *cameraEntry, c *moonfirefs.Camera) error {
	if entry.Dir == "" {
		dirs, err := o.DB.SampleDirs(o.cmd.Context())
		if err != nil {
			return err
		}
		entry.Dir = o.Dirs[dirs[0].ID].Path()
	}
	if err := entry.apply(o, c); err != nil {
		return err
	}
	return o.DB.CheckNewCamera(o.cmd.Context(), c)
}

// findEntry finds the entry of a camera, in whatever case its name is written.
func findEntry(entries map[string]cameraEntry, name string) (key string, entry cameraEntry, ok bool) {
	for key, entry := range entries {
		if strings.EqualFold(key, name) {
			return key, entry, true
		}
	}
	return "", cameraEntry{}, false
}

// differences says what an edit changes, one line for each thing. No line has a secret.
func (o *opened) differences(before, after *moonfirefs.Camera) (lines []string) {
	line := func(what, from, to string) {
		if from != to {
			lines = append(lines, fmt.Sprintf("%s: %s → %s", what, orDefault(from, "none"), orDefault(to, "none")))
		}
	}
	line("description", before.Description, after.Description)
	line("recorded", fmt.Sprint(!before.Retired), fmt.Sprint(!after.Retired))
	line("audio", fmt.Sprint(!before.NoAudio), fmt.Sprint(!after.NoAudio))
	line("username", before.Username, after.Username)
	if before.Password != after.Password {
		lines = append(lines, "password: another one")
	}
	for i := range after.Streams {
		s := &after.Streams[i]
		j := slices.IndexFunc(before.Streams, func(b moonfirefs.Stream) bool { return b.Kind == s.Kind })
		if j < 0 {
			lines = append(lines, fmt.Sprintf("%s stream: %s", s.Kind, limitsText(s)))
			continue
		}
		b, kind := &before.Streams[j], string(s.Kind)+" "
		line(kind+"URL", cameralib.Redact(b.URL), cameralib.Redact(s.URL))
		if b.URL != s.URL && cameralib.Redact(b.URL) == cameralib.Redact(s.URL) {
			lines = append(lines, fmt.Sprintf("%sURL: %s, with other values", kind, cameralib.Redact(s.URL)))
		}
		line(kind+"transport", string(b.Transport), string(s.Transport))
		line(kind+"quota", humanize.Bytes(uint64(b.RetainBytes)), humanize.Bytes(uint64(s.RetainBytes)))
		line(kind+"quota for events", eventsText(b), eventsText(s))
		line(kind+"limit in time", ageText(b), ageText(s))
		line(kind+"directory", o.dirPath(b.SampleDir), o.dirPath(s.SampleDir))
	}
	if len(lines) == 0 && !reflect.DeepEqual(before.Settings(), after.Settings()) {
		lines = append(lines, "quota: by less than is shown here")
	}
	return lines
}

func ageText(s *moonfirefs.Stream) string {
	if s.RetainFor90k == 0 {
		return ""
	}
	return status.AgeText(s.RetainFor90k.Duration())
}

// eventsText says what part of the quota footage with events has.
func eventsText(s *moonfirefs.Stream) string {
	if s.RetainMarkedBytes == 0 {
		return ""
	}
	return humanize.Bytes(uint64(s.RetainMarkedBytes))
}

func (o *opened) dirPath(id moonfirefs.SampleDirID) string {
	if dir := o.Dirs[id]; dir != nil {
		return dir.Path()
	}
	return ""
}

// tell prints a change.
func (c *cameraChange) tell(o *opened) error {
	if c.after == nil {
		return o.printf("- %s: no longer recorded; its footage stays", printable.Text(c.before.ShortName))
	}
	sign, name := "~", printable.Text(c.after.ShortName)
	if c.before == nil {
		sign = "+"
		if err := o.printf("+ %s: added, %s", name, limitsText(&c.after.Streams[0])); err != nil {
			return err
		}
	}
	for _, difference := range c.differences {
		if err := o.printf("%s %s: %s", sign, name, printable.Text(difference)); err != nil {
			return err
		}
	}
	return nil
}

// confirm asks before a camera is retired, its footage no longer moves, or footage is deleted.
func (c *cameraChange) confirm(o *opened, yes bool) error {
	switch {
	case c.before == nil:
		return nil
	case c.after == nil:
		return confirm(o.cmd, fmt.Sprintf("Camera %s is not in the file. End its recording?", c.before.ShortName), yes)
	}
	if err := c.confirmTiers(o, yes); err != nil {
		return err
	}
	return c.confirmLimits(o, yes)
}

func (c *cameraChange) carryOut(o *opened) error {
	ctx := o.cmd.Context()
	if c.after == nil {
		_, err := curate.RetireCamera(ctx, o.DB, c.before.ShortName)
		return err
	}
	err := o.DB.SetUpCamera(ctx, c.before, c.after, c.tiers)
	if errors.Is(err, index.ErrChanged) {
		err = fmt.Errorf("camera %s: somebody else has changed it meanwhile; repeat the command", c.after.ShortName)
	}
	return err
}

// printSetUpFile prints directories and cameras as apply reads them.
func (f *applyFlags) printSetUpFile(o *opened) error {
	cameras, err := o.DB.Cameras(o.cmd.Context())
	if err != nil {
		return err
	}
	address := cameralib.Redact
	if f.whole {
		address = func(whole string) string { return whole }
	}
	tiers, err := o.tiersAsKeys()
	if err != nil {
		return err
	}
	file := setUpFile{Cameras: make(map[string]cameraEntry)}
	if file.Dirs, err = o.dirEntries(); err != nil {
		return err
	}
	for i := range cameras {
		file.Cameras[cameras[i].ShortName] = entryOf(&cameras[i], o.dirPath, tiers, address)
	}
	text, err := toml.Marshal(file)
	if err != nil {
		return fmt.Errorf("print cameras: %w", err)
	}
	if bytes.Contains(text, []byte(masked)) {
		text = append([]byte(maskedComment), text...)
	}
	_, err = o.cmd.OutOrStdout().Write(text)
	return err
}

// maskedComment precedes a file of which something is not printed.
const maskedComment = `# *** stands for what can be secret in an address, and leaves it as it is in the store.
# To have it here: moonfirefs apply --print --whole-addresses
`
