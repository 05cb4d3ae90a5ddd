// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// The paces that a time lapse can have, as times as fast as life.
const (
	minPace = 10
	maxPace = 3600
)

// TimelapseName is what the name of a time lapse says: a date or an interval of civil
// time, the pace, and which part of it.
//
//	2026-11-22 timelapse 60x.mp4
//	2026-11-22T13.05.00--14.00.00 timelapse 10x.mp4
//	2026-11-22 timelapse 60x-2.mp4
type TimelapseName struct {
	// Date is zero if Clip says the interval.
	Date civil.Date
	Clip ClipName
	// Pace is from 10 to 3600.
	Pace int
	// Part counts from 1, as in a ClipName.
	Part int
}

var timelapsePattern = regexp.MustCompile(`^(.{10,60}) timelapse ([1-9]\d{1,3})x(?:-([1-9]\d{0,2}))?` + regexp.QuoteMeta(extension) + `$`)

// ParseTimelapseName accepts one spelling of each time lapse, as ParseClipName does.
func ParseTimelapseName(name string) (n TimelapseName, ok bool) {
	m := timelapsePattern.FindStringSubmatch(name)
	if m == nil {
		return n, false
	}
	if n.Date, ok = civil.ParseDate(m[1]); !ok {
		if n.Clip, ok = ParseClipName(m[1] + extension); !ok || n.Clip.Part != 1 {
			return TimelapseName{}, false
		}
	}
	n.Pace, _ = strconv.Atoi(m[2]) // four digits at most
	n.Part = 1
	if m[3] != "" {
		n.Part, _ = strconv.Atoi(m[3]) // three digits at most
	}
	return n, n.Pace >= minPace && n.Pace <= maxPace && n.String() == name
}

func (n TimelapseName) String() string {
	of := n.Date.String()
	if n.Date == (civil.Date{}) {
		of = n.Clip.String()
		of = of[:len(of)-len(extension)]
	}
	part := ""
	if n.Part > 1 {
		part = fmt.Sprintf("-%d", n.Part)
	}
	return fmt.Sprintf("%s timelapse %dx%s%s", of, n.Pace, part, extension)
}

// TooLong tells whether the interval is longer than a day on the clock.
func (n TimelapseName) TooLong() bool { return n.Date == (civil.Date{}) && n.Clip.TooLong() }

// Interval finds the interval of time that the name stands for in a calendar; ok is false
// if there is none.
func (n TimelapseName) Interval(c civil.Calendar) (i moonfirefs.Interval, ok bool) {
	if n.Date == (civil.Date{}) {
		return n.Clip.Interval(c)
	}
	hours := c.Hours(n.Date)
	if len(hours) == 0 {
		return i, false // a date that was skipped
	}
	return moonfirefs.Interval{Start90k: hours[0].Start90k, End90k: hours[len(hours)-1].End90k}, true
}
