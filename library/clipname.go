// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// ClipsFolder is the name of the folder of clips in each stream's folder.
const ClipsFolder = "clips"

// ClipName is what the name of a clip says: an interval of civil time, and which
// part of it.
//
//	2026-11-22T13.05.00--13.07.30.mp4
//	2026-11-22T23.50.00--2026-11-23T00.10.00.mp4
//	2026-11-01T01.55.00-0400--01.05.00-0500.mp4
//	2026-11-22T13.05.00--13.07.30-2.mp4
type ClipName struct {
	Start, End civil.Moment
	// Part counts from 1. It is below maxClipParts, since "-1000" is an offset.
	Part int
}

const maxClipParts = 1000

// clockText writes a moment without its date.
func clockText(m civil.Moment) string {
	return fmt.Sprintf("%02d.%02d.%02d%s", m.Seconds/3600, m.Seconds/60%60, m.Seconds%60, m.Offset)
}

func (n ClipName) String() string {
	name := n.Start.Date.String() + "T" + clockText(n.Start) + "--"
	if n.End.Date != n.Start.Date {
		name += n.End.Date.String() + "T"
	}
	name += clockText(n.End)
	if n.Part > 1 {
		name += fmt.Sprintf("-%d", n.Part)
	}
	return name + extension
}

const (
	datePattern  = `(\d{4}-\d\d-\d\d)T`
	clockPattern = `([01]\d|2[0-3])\.([0-5]\d)\.([0-5]\d)([+-]\d{4}(?:\d\d)?)?`
)

var clipPattern = regexp.MustCompile(`^` + datePattern + clockPattern + `--(?:` + datePattern + `)?` + clockPattern +
	`(?:-(\d{1,3}))?` + regexp.QuoteMeta(extension) + `$`)

// ParseClipName accepts exactly what ClipName.String returns, so that no other
// spelling leads to the same clip. It takes microseconds: a name that is none
// must not cost more.
func ParseClipName(name string) (ClipName, bool) {
	m := clipPattern.FindStringSubmatch(name)
	if m == nil {
		return ClipName{}, false
	}
	startDate, ok := civil.ParseDate(m[1])
	if !ok {
		return ClipName{}, false
	}
	endDate := startDate
	if m[6] != "" {
		if endDate, ok = civil.ParseDate(m[6]); !ok {
			return ClipName{}, false
		}
	}
	n := ClipName{Start: parseMoment(startDate, m[2:6]), End: parseMoment(endDate, m[7:11]), Part: 1}
	if m[11] != "" {
		n.Part, _ = strconv.Atoi(m[11]) // three digits at most
	}
	return n, n.Part > 0 && n.Part < maxClipParts && n.String() == name
}

// parseMoment takes what clockPattern has matched.
func parseMoment(d civil.Date, matched []string) civil.Moment {
	number := func(i int) int {
		n, _ := strconv.Atoi(matched[i]) // two digits
		return n
	}
	return civil.Moment{Date: d, Seconds: number(0)*3600 + number(1)*60 + number(2), Offset: matched[3]}
}

// TooLong tells whether the interval is longer than a day. What counts is the
// clock, so that a whole day can be asked for, also when it has 25 hours.
func (n ClipName) TooLong() bool { return n.End.SecondsSince(n.Start) > 24*60*60 }

// Interval finds the interval of time that the name stands for in a calendar. ok is
// false if there is none, since one of its ends did not exist, or has an offset
// that it should not have, or since it does not end after it starts.
func (n ClipName) Interval(c civil.Calendar) (i moonfirefs.Interval, ok bool) {
	if i.Start90k, ok = c.Instant(n.Start); !ok {
		return moonfirefs.Interval{}, false
	}
	i.End90k, ok = c.Instant(n.End)
	return i, ok && i.Start90k < i.End90k
}
