// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/curate"
)

// interval reads the arguments CAMERA FROM TO of what is to fit into one file.
func (o *opened) interval(args []string) (*curate.Stream, moonfirefs.Interval, error) {
	stream, i, err := o.anyInterval(args)
	if err == nil {
		err = explain(o.Zone, stream, i, curate.CheckClip(i, o.Zone))
	}
	return stream, i, err
}

// anyInterval is interval, however long.
func (o *opened) anyInterval(args []string) (stream *curate.Stream, i moonfirefs.Interval, err error) {
	all, err := curate.ListStreams(o.cmd.Context(), o.DB)
	if err != nil {
		return nil, i, err
	}
	return findInterval(all, o.Zone, args)
}

// findInterval finds the stream and the interval that CAMERA FROM TO name.
func findInterval(all curate.Streams, zone *time.Location, args []string) (stream *curate.Stream, i moonfirefs.Interval, err error) {
	if stream, err = all.Find(args[0]); err != nil {
		return nil, i, err
	}
	if i, err = (civil.Calendar{Zone: zone}).ParseInterval(args[1], args[2], time.Now()); err != nil {
		err = &usageError{err}
	}
	return stream, i, err
}

// explain says in civil time why nothing can be done about an interval of a stream.
func (o *opened) explain(stream *curate.Stream, i moonfirefs.Interval, err error) error {
	return explain(o.Zone, stream, i, err)
}

func explain(zone *time.Location, stream *curate.Stream, i moonfirefs.Interval, err error) error {
	switch {
	case errors.Is(err, curate.ErrTooLong):
		return &usageError{fmt.Errorf("%s is longer than 24 hours: split it into several intervals", timesText(zone, i))}
	case errors.Is(err, curate.ErrFuture):
		return &usageError{fmt.Errorf("the interval begins in the future, at %s: repeat the command after that", timeText(zone, i.Start90k))}
	case errors.Is(err, curate.ErrNoFootage):
		return moonfirefs.Errorf(moonfirefs.ErrNotFound, "no footage of %s, %s", stream.Folder, timesText(zone, i))
	}
	return err
}

// time and times show civil times for people.
func (o *opened) time(t moonfirefs.Time90k) string   { return timeText(o.Zone, t) }
func (o *opened) times(i moonfirefs.Interval) string { return timesText(o.Zone, i) }

func timeText(zone *time.Location, t moonfirefs.Time90k) string {
	return t.Time().In(zone).Format("2006-01-02 15:04:05 -07:00")
}

// minute and minutes are shorter, for tables: without the offset, and without seconds where
// there are none.
func (o *opened) minute(t moonfirefs.Time90k) string {
	return t.Time().In(o.Zone).Format(time.DateOnly + " 15:04")
}

func (o *opened) minutes(i moonfirefs.Interval) string {
	const minute90k = 60 * moonfirefs.UnitsPerSecond
	if i.Start90k%minute90k == 0 && i.End90k%minute90k == 0 {
		return timesAs(o.Zone, i, "15:04")
	}
	return o.times(i)
}

func timesText(zone *time.Location, i moonfirefs.Interval) string {
	return timesAs(zone, i, time.TimeOnly)
}

// timesAs shows times of day in a layout, unless an offset must be told as well.
func timesAs(zone *time.Location, i moonfirefs.Interval, layout string) string {
	from, to := i.Start90k.Time().In(zone), i.End90k.Time().In(zone)
	_, fromOffset := from.Zone()
	_, toOffset := to.Zone()
	dated := time.DateOnly + " " + layout
	switch {
	case fromOffset != toOffset:
		return timeText(zone, i.Start90k) + " to " + timeText(zone, i.End90k)
	case from.Format(time.DateOnly) != to.Format(time.DateOnly):
		return from.Format(dated) + " to " + to.Format(dated)
	}
	return from.Format(dated) + " to " + to.Format(layout)
}

// footageText says how much footage is.
func footageText(f curate.Footage) string {
	return counted(f.Recordings, "recording") + ", " + humanize.Bytes(uint64(f.SampleFileBytes))
}

// ago matches an argument that is a time and looks like a flag: -10m.
var ago = regexp.MustCompile(`^-(?:\d+(?:\.\d+)?[dhms])+$`)

// timesNotFlags keeps times from being taken for flags, none of which begins with a
// digit. What a flag takes as its value stays as it is.
func timesNotFlags(root *cobra.Command, args []string) []string {
	cmd, _, err := root.Find(args)
	if err != nil {
		cmd = root // which will say what is wrong
	}
	rewritten, isValue := make([]string, len(args)), false
	for i, arg := range args {
		if rewritten[i] = arg; !isValue && ago.MatchString(arg) {
			rewritten[i] = "now" + arg
		}
		isValue = !isValue && takesValue(cmd, arg)
	}
	return rewritten
}

// takesValue tells whether an argument is a flag whose value is the next argument.
func takesValue(cmd *cobra.Command, arg string) bool {
	var flag *pflag.Flag
	if name, long := strings.CutPrefix(arg, "--"); long {
		flag = cmd.Flag(name)
	} else if name, short := strings.CutPrefix(arg, "-"); short && len(name) == 1 {
		flag = cmd.Flags().ShorthandLookup(name)
	}
	return flag != nil && flag.NoOptDefVal == ""
}
