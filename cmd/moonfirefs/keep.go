// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// keepFlags are the flags of keep.
type keepFlags struct {
	name, release string
	list, json    bool
	yes           bool
}

func newKeepCommand(g *global) *cobra.Command {
	f := &keepFlags{}
	cmd := &cobra.Command{
		Use:   "keep {CAMERA FROM TO --name NAME | --list | --release NAME}",
		Short: "Protect footage from deletion",
		Long: `Protects the footage of an interval: retention does not delete it until it is
released. The mount shows it as saved/NAME.mp4. It takes effect at once, even while
recording.

CAMERA is the name of the camera's folder (NAME-sub for the sub stream). Footage that
is still being recorded appears within about a minute. An interval may be up to 24
hours long and may end in the future.

Kept footage counts towards the quota of its camera. If it takes more than nine
tenths of the quota, a tenth is still available for new footage, so that recording
continues; the camera then exceeds its quota by that much.

` + civil.Forms,
		Example: `  moonfirefs keep driveway "2026-11-22 13:05" 13:20 --name burglary
  moonfirefs keep driveway -30m now --name parcel
  moonfirefs keep --list
  moonfirefs keep --release parcel`,
		Args: asUsage(f.args),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.list:
				return g.withStore(cmd, store.Reading, f.printKept)
			case f.release != "":
				return g.withStore(cmd, store.Configuring, f.releaseKept)
			}
			return g.withStore(cmd, store.Configuring, func(o *opened) error { return f.keep(o, args) })
		},
	}
	cmd.Flags().StringVar(&f.name, "name", "", "name of the file, without .mp4")
	cmd.Flags().BoolVar(&f.list, "list", false, "list kept footage")
	cmd.Flags().StringVar(&f.release, "release", "", "release kept footage, so that retention may delete it")
	cmd.Flags().BoolVar(&f.json, "json", false, "with --list: print JSON")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "with --release: do not ask, also if footage is deleted at once")
	return cmd
}

func (f *keepFlags) args(cmd *cobra.Command, args []string) error {
	switch {
	case f.list && f.release != "" || f.name != "" && (f.list || f.release != ""):
		return errors.New("--name, --list and --release cannot be used together")
	case f.json && !f.list:
		return errors.New("--json requires --list")
	case f.list || f.release != "":
		return noArguments(cmd, args)
	case f.name == "":
		return errors.New("--name is missing: give the file a name")
	}
	return needs("CAMERA FROM TO")(cmd, args)
}

func (f *keepFlags) keep(o *opened, args []string) error {
	if err := moonfirefs.CheckKeptName(f.name); err != nil {
		return &usageError{err}
	}
	stream, i, err := o.interval(args)
	if err != nil {
		return err
	}
	k := &moonfirefs.Kept{Stream: stream.ID, Name: f.name, Start90k: i.Start90k, End90k: i.End90k, Since90k: moonfirefs.FromTime(time.Now())}
	found, err := curate.Keep(o.cmd.Context(), o.DB, k)
	if err != nil {
		return o.explain(stream, i, err)
	}
	if err := o.printf("Kept %s, %s: %s. In the mount: saved/%s.mp4", stream.Folder, o.times(i), footageText(found), f.name); err != nil {
		return err
	}
	if err := o.tellGrowth(k, found); err != nil {
		return err
	}
	return o.tellQuota(&stream.Stream)
}

// tellGrowth says whether there may be more to come.
func (o *opened) tellGrowth(k *moonfirefs.Kept, found curate.Footage) error {
	growing, err := curate.Growing(o.cmd.Context(), o.DB, k)
	if err != nil || !growing {
		return err
	}
	if found.Recordings == 0 {
		return o.printf("There is no footage of it yet. The file appears once there is some.")
	}
	return o.printf("The interval is still being recorded. New footage of it is kept as well, and the file grows.")
}

// tellQuota says in words what kept footage leaves of a quota, where that matters.
func (o *opened) tellQuota(stream *moonfirefs.Stream) error {
	q, err := curate.QuotaOf(o.cmd.Context(), o.DB, stream)
	if err != nil || !q.Exceeded() {
		return err
	}
	return o.printf("Kept footage now takes %s of the quota of %s. A tenth of the quota stays available for new footage, so the camera may use up to %s on disk. Release something or raise the quota: moonfirefs camera edit --retain",
		humanize.Bytes(uint64(q.KeptBytes)), humanize.Bytes(uint64(q.RetainBytes)), humanize.Bytes(uint64(q.MostBytes())))
}

// confirmRelease asks if some of the footage is deleted as soon as it is released.
func (f *keepFlags) confirmRelease(o *opened) error {
	all, err := curate.ListKept(o.cmd.Context(), o.DB)
	if err != nil {
		return err
	}
	streams, err := curate.ListStreams(o.cmd.Context(), o.DB)
	if err != nil {
		return err
	}
	for _, k := range all {
		if !strings.EqualFold(k.Name, f.release) {
			continue
		}
		stream, err := streams.Find(k.Folder)
		if err != nil {
			return err
		}
		return o.confirmExcess("If "+k.Name+" is released", &stream.Stream, stream.Folder, k.Name, f.yes)
	}
	return nil // whoever releases it says that there is none
}

func (f *keepFlags) releaseKept(o *opened) error {
	if err := f.confirmRelease(o); err != nil {
		return err
	}
	err := o.DB.Unkeep(o.cmd.Context(), f.release)
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return fmt.Errorf("%w (see: moonfirefs keep --list)", err)
	}
	if err != nil {
		return err
	}
	return o.printf("Released %s. It will be deleted by retention.", f.release)
}

// keptLine is what is told of kept footage.
type keptLine struct {
	Name         string             `json:"name"`
	Folder       string             `json:"folder"`
	StartTime90k moonfirefs.Time90k `json:"startTime90k"`
	EndTime90k   moonfirefs.Time90k `json:"endTime90k"`
	SinceTime90k moonfirefs.Time90k `json:"sinceTime90k"`
	// Recordings and SampleFileBytes are what there is of it.
	Recordings      int64 `json:"recordings"`
	SampleFileBytes int64 `json:"sampleFileBytes"`
}

func (f *keepFlags) printKept(o *opened) error {
	all, err := curate.ListKept(o.cmd.Context(), o.DB)
	if err != nil {
		return err
	}
	if f.json {
		lines := []keptLine{}
		for _, k := range all {
			lines = append(lines, keptLine{k.Name, k.Folder, k.Start90k, k.End90k, k.Since90k, k.Footage.Recordings, k.Footage.SampleFileBytes})
		}
		return printJSON(o.cmd.OutOrStdout(), lines, storeIndent)
	}
	if len(all) == 0 {
		return o.printf("No footage is kept.")
	}
	t := newTable(o.cmd.OutOrStdout())
	t.line("NAME\tCAMERA\tSIZE\tKEPT SINCE\tINTERVAL")
	for _, k := range all {
		t.row(k.Name, k.Folder, humanize.Bytes(uint64(k.Footage.SampleFileBytes)), o.minute(k.Since90k), o.minutes(k.Interval()))
	}
	return t.flush()
}
