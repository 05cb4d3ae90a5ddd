// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// leastAfter is how young footage may move: others, such as what signs recordings, have read
// it by then.
const leastAfter = 10 * time.Minute

func newTierCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tier",
		Short: "Manage where older footage moves",
		Args:  onlyCommands,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTierAddCommand(g), newTierListCommand(g), newTierRemoveCommand(g))
	return cmd
}

// tierFlags are the flags of tier add.
type tierFlags struct {
	to, after, retain string
	yes               bool
}

func newTierAddCommand(g *global) *cobra.Command {
	f := &tierFlags{}
	cmd := &cobra.Command{
		Use:   "add CAMERA --to DIR --after AGE --retain SIZE",
		Short: "Move a camera's older footage to another directory",
		Long: `Footage of a camera moves to DIR, a directory of the store ("dir add"), once it is older
than AGE: the newest stays on a fast disk, the months before are on a large one or in a
bucket. In the mount, nothing changes.

SIZE is the quota in DIR; when it is used up, the oldest footage there is deleted. The
quota of the camera ("camera edit --retain") is for the footage that has not moved. When
nine tenths of that are used up, younger footage moves as well.

For a camera that has a tier already, it changes AGE and SIZE. A running recorder takes it
up within seconds.

CAMERA is the name of the camera's folder (NAME-sub for the sub stream, or NAME/sub).`,
		Example: `  moonfirefs dir add /media/bulk/samples
  moonfirefs tier add driveway --to /media/bulk/samples --after 3d --retain 2TB`,
		Args: asUsage(f.args),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.withStore(cmd, store.Configuring, func(o *opened) error { return f.set(o, args[0]) })
		},
	}
	cmd.Flags().StringVar(&f.to, "to", "", "directory of the store that footage moves to")
	cmd.Flags().StringVar(&f.after, "after", "", "age at which footage moves, such as 12h or 3d; at least 10m")
	cmd.Flags().StringVar(&f.retain, "retain", "", "disk space there, such as 2TB; when it is used up, the oldest footage there is deleted")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask, also if footage is deleted at once")
	return cmd
}

func (f *tierFlags) args(cmd *cobra.Command, args []string) error {
	if err := f.requireAll(); err != nil {
		return err
	}
	return needs("CAMERA")(cmd, args)
}

// requireAll refuses values that are missing.
func (f *tierFlags) requireAll() error {
	for name, value := range map[string]string{"to": f.to, "after": f.after, "retain": f.retain} {
		if value == "" {
			return fmt.Errorf("--%s is missing: --to, --after and --retain are all needed", name)
		}
	}
	return nil
}

// findTierStream finds a stream as a person may write it.
func (o *opened) findTierStream(name string) (*curate.Stream, error) {
	streams, err := curate.ListStreams(o.cmd.Context(), o.DB)
	if err != nil {
		return nil, err
	}
	if camera, isSub := strings.CutSuffix(name, "/sub"); isSub {
		name = camera + "-sub"
	}
	return streams.Find(name)
}

func (f *tierFlags) set(o *opened, name string) error {
	stream, err := o.findTierStream(name)
	if err != nil {
		return err
	}
	before, err := o.DB.Tier(o.cmd.Context(), stream.ID)
	if err != nil {
		return err
	}
	t, err := f.plan(o, stream, before)
	if err != nil {
		return err
	}
	if curate.StricterTier(before, t) {
		cause := fmt.Sprintf("With a quota of %s there", humanize.Bytes(uint64(t.RetainBytes)))
		if err := o.confirmTier(cause, stream, t, f.yes); err != nil {
			return err
		}
	}
	if err := o.DB.SetTier(o.cmd.Context(), t); err != nil {
		return err
	}
	err = o.printf("Footage of %s moves to %s once it is older than %s; %s may be there.",
		stream.Folder, o.Dirs[t.SampleDir].Path(), status.AgeText(t.After90k.Duration()), humanize.Bytes(uint64(t.RetainBytes)))
	if err != nil {
		return err
	}
	return o.tellTierRoom(t.SampleDir)
}

// plan is the tier that the flags give a stream which has the tier before, or nil for none.
func (f *tierFlags) plan(o *opened, stream *curate.Stream, before *moonfirefs.Tier) (*moonfirefs.Tier, error) {
	t, err := f.parse()
	if err != nil {
		return nil, err
	}
	t.Stream = stream.ID
	if t.SampleDir, err = o.findDirOf("--to", f.to); err != nil {
		return nil, err
	}
	if t.SampleDir == stream.SampleDir {
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "%s is recorded to %s already: give another directory", stream.Folder, o.Dirs[t.SampleDir].Path())
	}
	if before == nil {
		return t, nil
	}
	if before.SampleDir != t.SampleDir {
		return nil, moonfirefs.Errorf(moonfirefs.ErrExists, "the footage of %s moves to another directory already (see: moonfirefs tier list); remove that first", stream.Folder)
	}
	t.Last, t.SampleFileBytes = before.Last, before.SampleFileBytes
	return t, nil
}

// tellTierRoom warns if the quotas of what moves to a directory need more room than its disk
// has.
func (o *opened) tellTierRoom(id moonfirefs.SampleDirID) error {
	dir := o.Dirs[id]
	if !dir.Available() || dir.Remote() {
		return nil
	}
	space, err := dir.Space()
	if err != nil {
		return err
	}
	tiers, err := o.DB.Tiers(o.cmd.Context())
	if err != nil {
		return err
	}
	var missingBytes int64
	for _, t := range tiers {
		if t.SampleDir == id {
			missingBytes += max(t.RetainBytes-t.SampleFileBytes, 0)
		}
	}
	free := max(space.AvailableBytes()-leftFreeBytes, 0)
	if missingBytes <= free {
		return nil
	}
	return o.printf("warning: the quotas of what moves to %s allow for %s more, and %s of its disk are free: once it is full, footage stays where it is recorded. Lower the quotas.",
		dir.Path(), humanize.Bytes(uint64(missingBytes)), humanize.Bytes(uint64(free)))
}

// movedBytes is how much of streams is in their tiers.
func (o *opened) movedBytes() (map[moonfirefs.StreamID]int64, error) {
	tiers, err := o.DB.Tiers(o.cmd.Context())
	if err != nil {
		return nil, err
	}
	moved := make(map[moonfirefs.StreamID]int64, len(tiers))
	for _, t := range tiers {
		moved[t.Stream] = t.SampleFileBytes
	}
	return moved, nil
}

func (f *tierFlags) parse() (t *moonfirefs.Tier, err error) {
	t = &moonfirefs.Tier{}
	if t.After90k, err = parseAge("--after", f.after); err != nil {
		return nil, err
	}
	if t.After90k.Duration() < leastAfter {
		return nil, &usageError{fmt.Errorf("--after %s: must be at least 10m", f.after)}
	}
	t.RetainBytes, err = parseSize("--retain", f.retain, quotaBounds)
	return t, err
}

// confirmTier asks before a change of a tier, which the question begins with, has footage
// deleted.
func (o *opened) confirmTier(cause string, stream *curate.Stream, t *moonfirefs.Tier, yes bool) error {
	found, err := curate.ExcessWith(o.cmd.Context(), o.DB, &stream.Stream, t, "", moonfirefs.FromTime(time.Now()))
	if err != nil || found.Recordings == 0 {
		return err
	}
	return confirm(o.cmd, fmt.Sprintf("%s, the footage of %s from %s, %s, is deleted at once, for good. Continue?",
		cause, stream.Folder, o.times(found.Interval), footageText(found)), yes)
}

func newTierRemoveCommand(g *global) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "remove CAMERA",
		Short: "Keep a camera's footage where it is recorded",
		Long: `Stops moving the footage of the camera. What has moved stays where it is, and the quota of
the camera is for all of its footage from then on: raise it first, or what exceeds it is
deleted.

CAMERA is the name of the camera's folder (NAME-sub for the sub stream, or NAME/sub).`,
		Example: `  moonfirefs tier remove driveway`,
		Args:    asUsage(needs("CAMERA")),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.withStore(cmd, store.Configuring, func(o *opened) error { return o.removeTier(args[0], yes) })
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, also if footage is deleted at once")
	return cmd
}

func (o *opened) removeTier(name string, yes bool) error {
	stream, err := o.findTierStream(name)
	if err != nil {
		return err
	}
	t, err := o.DB.Tier(o.cmd.Context(), stream.ID)
	if err != nil {
		return err
	}
	if t == nil {
		return moonfirefs.Errorf(moonfirefs.ErrNotFound, "the footage of %s does not move (see: moonfirefs tier list)", stream.Folder)
	}
	cause := fmt.Sprintf("With one quota of %s for all of it", humanize.Bytes(uint64(stream.RetainBytes)))
	if err := o.confirmTier(cause, stream, nil, yes); err != nil {
		return err
	}
	if err := o.DB.RemoveTier(o.cmd.Context(), stream.ID); err != nil {
		return err
	}
	return o.printf("Footage of %s no longer moves. What has moved stays where it is.", stream.Folder)
}

// tierEntry is a tier as JSON tells of it.
type tierEntry struct {
	Folder          string  `json:"folder"`
	Directory       string  `json:"directory"`
	AfterSeconds    float64 `json:"afterSeconds"`
	RetainBytes     int64   `json:"retainBytes"`
	SampleFileBytes int64   `json:"sampleFileBytes"`
	// UnmovedBytes have not moved, and UnmovedRetainBytes is their quota.
	UnmovedBytes       int64 `json:"unmovedBytes"`
	UnmovedRetainBytes int64 `json:"unmovedRetainBytes"`
}

func newTierListCommand(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List where footage moves",
		Long: `Lists the cameras whose footage moves to another directory, and how much of it has.
"moonfirefs status" tells how moving is going.`,
		Example: `  moonfirefs tier list`,
		Args:    asUsage(noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.withStore(cmd, store.Reading, func(o *opened) error { return o.listTiers(asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (o *opened) listTiers(asJSON bool) error {
	tiers, err := o.tierEntries()
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(o.cmd.OutOrStdout(), tiers, storeIndent)
	}
	if len(tiers) == 0 {
		return o.printf("No footage moves (see: moonfirefs tier add --help).")
	}
	t := newTable(o.cmd.OutOrStdout())
	t.line("CAMERA\tMOVES TO\tAFTER\tUSED THERE\tNOT MOVED")
	for _, e := range tiers {
		t.row(printable.Text(e.Folder), e.Directory, status.AgeText(time.Duration(e.AfterSeconds*float64(time.Second))),
			status.BytesText(e.SampleFileBytes)+" of "+status.BytesText(e.RetainBytes),
			status.BytesText(e.UnmovedBytes)+" of "+status.BytesText(e.UnmovedRetainBytes))
	}
	return t.flush()
}

// tierEntries are by camera, main before sub.
func (o *opened) tierEntries() ([]tierEntry, error) {
	tiers, err := o.DB.Tiers(o.cmd.Context())
	if err != nil {
		return nil, err
	}
	streams, err := curate.ListStreams(o.cmd.Context(), o.DB)
	if err != nil {
		return nil, err
	}
	entries := make([]tierEntry, 0, len(tiers)) // [] in JSON, not null
	for _, s := range streams {
		for _, t := range tiers {
			if t.Stream != s.ID {
				continue
			}
			entries = append(entries, tierEntry{
				Folder: s.Folder, Directory: o.Dirs[t.SampleDir].Path(), AfterSeconds: t.After90k.Duration().Seconds(),
				RetainBytes: t.RetainBytes, SampleFileBytes: t.SampleFileBytes,
				UnmovedBytes: s.SampleFileBytes - t.SampleFileBytes, UnmovedRetainBytes: s.RetainBytes,
			})
		}
	}
	return entries, nil
}
