// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/pages"
)

func newListCommand(g *global) *cobra.Command {
	var asJSON, active bool
	cmd := &cobra.Command{
		Use:   "list [CAMERA]",
		Short: "List footage by day",
		Long: `Lists the footage of each day, of all cameras or of one: when it begins and ends, how
much there is, and how much is missing in between. A recording counts towards the day
on which it starts.

With --activity, it lists the busiest stretches instead: when more than usual moved, by the
sizes of frames, and how many more bytes the busiest minute took than usual. That reads the
tables of frames of all footage (docs/activity.md).

With --json, it prints the mount's index.json (docs/index-pages.md), or all stretches.

Whoever may see the footage but not the store is told what the mount shows.

CAMERA is the name of the camera's folder (NAME-sub for the sub stream).`,
		Example: `  moonfirefs list
  moonfirefs list driveway --activity
  moonfirefs list driveway --json`,
		Args: asUsage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			f := &listing{folders: args, asJSON: asJSON, active: active}
			return g.readFootage(cmd, f.printStore, func(m *footageMount) error { return f.printMount(cmd, m) })
		},
	}
	cmd.Flags().BoolVar(&active, "activity", false, "list the busiest stretches")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// listing is what is to be listed.
type listing struct {
	// folders are those that are asked for: one, or none for all.
	folders        []string
	asJSON, active bool
}

// of finds the streams among all.
func (l *listing) of(all curate.Streams) (curate.Streams, error) {
	if len(l.folders) == 0 {
		return all, nil
	}
	found, err := all.Find(l.folders[0])
	if err != nil {
		return nil, err
	}
	return curate.Streams{*found}, nil
}

func (l *listing) printStore(o *opened) error {
	all, err := curate.ListStreams(o.cmd.Context(), o.DB)
	if err != nil {
		return err
	}
	if all, err = l.of(all); err != nil {
		return err
	}
	switch {
	case l.active:
		return o.printActivity(all, l.asJSON)
	case l.asJSON:
		return o.printIndex(all, len(l.folders) > 0)
	}
	return o.printDays(all)
}

// printIndex prints index.json of all cameras, or of one stream.
func (o *opened) printIndex(all curate.Streams, one bool) error {
	folder := ""
	if one {
		folder = all[0].Folder
	}
	catalog, err := newCatalog(o.Store, library.RenderOptions{}, nil)
	if err != nil {
		return err
	}
	marks, stop := marksOf(o.path, o.Zone, catalog, o.log)
	defer stop()
	content, err := pages.IndexJSON(o.cmd.Context(), catalog, folder, pages.Options{Marks: marks})
	if err != nil {
		return err
	}
	_, err = o.cmd.OutOrStdout().Write(content)
	return err
}

func (o *opened) printDays(all curate.Streams) error {
	return printDays(o.cmd, o.Zone, all, func(s *curate.Stream) ([]day, error) { return o.days(s.ID) })
}

// printDays prints the days of streams.
func printDays(cmd *cobra.Command, zone *time.Location, all curate.Streams, daysOf func(*curate.Stream) ([]day, error)) error {
	t := newTable(cmd.OutOrStdout())
	t.line("CAMERA\tDATE\tFROM\tTO\tRECORDED\tMISSING\tSIZE")
	for i := range all {
		days, err := daysOf(&all[i])
		if err != nil {
			return err
		}
		for _, d := range days {
			t.row(all[i].Folder, d.date,
				d.Interval.Start90k.Time().In(zone).Format(time.TimeOnly), d.Interval.End90k.Time().In(zone).Format(time.TimeOnly),
				status.DurationText(d.Duration90k.Duration()), status.DurationText(d.Missing90k().Duration()), humanize.Bytes(uint64(d.SampleFileBytes)))
		}
	}
	return t.flush()
}

// day is what was recorded of a stream from recordings that start on a date.
type day struct {
	date string
	curate.Footage
}

func (o *opened) days(stream moonfirefs.StreamID) (days []day, err error) {
	err = o.DB.EachSummary(o.cmd.Context(), stream, moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(r *moonfirefs.Summary) error {
		date := r.Start90k.Time().In(o.Zone).Format(time.DateOnly)
		if n := len(days); n == 0 || days[n-1].date != date {
			days = append(days, day{date: date})
		}
		days[len(days)-1].Add(r)
		return nil
	})
	return days, err
}
