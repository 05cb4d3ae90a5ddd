// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/activity"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/library"
)

// activeStretch is a stretch of footage in which something moved.
type activeStretch struct {
	Folder       string             `json:"folder"`
	StartTime90k moonfirefs.Time90k `json:"startTime90k"`
	EndTime90k   moonfirefs.Time90k `json:"endTime90k"`
	// PeakPercent is how many more bytes than usual its busiest minute took.
	PeakPercent activity.Percent `json:"peakPercent"`

	// sum is by which stretches are compared: long ones count for more.
	sum int
}

// maxListedStretches is how many of them a person wants to read.
const maxListedStretches = 20

// printActivity prints the busiest stretches of streams, or all of them as JSON.
func (o *opened) printActivity(all curate.Streams, asJSON bool) error {
	catalog, err := newCatalog(o.Store, library.RenderOptions{}, nil)
	if err != nil {
		return err
	}
	found := []activeStretch{}
	for i := range all {
		of, err := activityOf(o.cmd.Context(), catalog, all[i].Folder)
		if err != nil {
			return fmt.Errorf("measure activity of %s: %w", all[i].Folder, err)
		}
		found = append(found, of...)
	}
	slices.SortStableFunc(found, func(a, b activeStretch) int { return cmp.Compare(b.sum, a.sum) })
	if asJSON {
		return printJSON(o.cmd.OutOrStdout(), found, storeIndent)
	}
	w := tabwriter.NewWriter(o.cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "CAMERA\tFROM\tTO\tLENGTH\tMORE THAN USUAL") // Flush reports
	for _, s := range found[:min(len(found), maxListedStretches)] {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d %%\n", s.Folder,
			s.StartTime90k.Time().In(o.Zone).Format(time.DateTime), s.EndTime90k.Time().In(o.Zone).Format(time.TimeOnly),
			status.DurationText(s.EndTime90k.Sub(s.StartTime90k).Duration()), s.PeakPercent)
	}
	return w.Flush()
}

// activityOf lists the stretches of a stream, in the order of time.
func activityOf(ctx context.Context, catalog *library.Catalog, folder string) (found []activeStretch, err error) {
	now, err := catalog.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	state := now.Folder(folder)
	if state == nil {
		return nil, nil // it has no folder, since none can have its name
	}
	dates, err := catalog.Dates(ctx, state)
	if err != nil {
		return nil, err
	}
	for _, d := range dates {
		day, err := catalog.Activity(ctx, state, d)
		if err != nil {
			return nil, err
		}
		for _, s := range activity.Stretches(day.Percents) {
			start90k := day.Interval.Start90k.Add(moonfirefs.Duration90k(s.First) * activity.Minute90k)
			found = append(found, activeStretch{
				folder, start90k, start90k.Add(moonfirefs.Duration90k(s.Minutes) * activity.Minute90k), s.Peak, s.Sum,
			})
		}
	}
	return found, nil
}
