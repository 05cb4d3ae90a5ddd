// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/pages"
)

// printMount prints what a mount shows.
func (l *listing) printMount(cmd *cobra.Command, m *footageMount) error {
	if l.active {
		return errors.New("list activity: that takes the store, which is not yours to read; " + m.path + " has an activity.json for each date (docs/activity.md)")
	}
	all, zone, err := m.streams()
	if err != nil {
		return err
	}
	if all, err = l.of(all); err != nil {
		return err
	}
	if l.asJSON {
		return m.copyIndex(cmd, all, len(l.folders) > 0)
	}
	return printDays(cmd, zone, all, func(s *curate.Stream) ([]day, error) { return m.days(s.Folder) })
}

// copyIndex prints index.json of the root, or of one stream.
func (m *footageMount) copyIndex(cmd *cobra.Command, all curate.Streams, one bool) error {
	folder := ""
	if one {
		folder = all[0].Folder
	}
	content, err := os.ReadFile(filepath.Join(m.path, folder, pages.JSONName))
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(content)
	return err
}

// days lists the footage of a stream by date. A recording across midnight counts for both
// days, each with its share.
func (m *footageMount) days(folder string) (days []day, err error) {
	s, err := m.stream(folder)
	if err != nil {
		return nil, err
	}
	for _, date := range slices.Sorted(maps.Keys(s.Days)) {
		of := s.Days[date]
		d := day{date: date}
		d.Duration90k = of.TotalDuration90k
		bounds := moonfirefs.Interval{Start90k: of.StartTime90k, End90k: of.EndTime90k}
		for i := range s.Recordings {
			r := &s.Recordings[i]
			if whole := (moonfirefs.Interval{Start90k: r.StartTime90k, End90k: r.EndTime90k}); whole.Overlaps(bounds) {
				d.addPart(whole, bounds, r.Bytes)
			}
		}
		days = append(days, d)
	}
	return days, nil
}

// addPart adds what lies within a day's bounds of footage that has so many bytes as a whole.
func (d *day) addPart(whole, bounds moonfirefs.Interval, wholeBytes int64) {
	part := moonfirefs.Interval{Start90k: max(whole.Start90k, bounds.Start90k), End90k: min(whole.End90k, bounds.End90k)}
	if d.Recordings == 0 {
		d.Interval = part
	}
	d.Recordings++
	d.Interval.Start90k, d.Interval.End90k = min(d.Interval.Start90k, part.Start90k), max(d.Interval.End90k, part.End90k)
	d.SampleFileBytes += int64(float64(wholeBytes) * float64(part.Duration90k()) / float64(whole.Duration90k()))
}
