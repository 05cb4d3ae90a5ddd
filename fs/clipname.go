package fs

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// clipName is what the name of a clip says: an interval of civil time, and which
// part of it.
//
//	2026-11-22T13.05.00--13.07.30.mp4
//	2026-11-22T23.50.00--2026-11-23T00.10.00.mp4
//	2026-11-01T01.55.00-0400--01.05.00-0500.mp4
//	2026-11-22T13.05.00--13.07.30-2.mp4
type clipName struct {
	start, end civil.Moment
	// part counts from 1. It is below maxClipParts, since "-1000" is an offset.
	part int
}

const maxClipParts = 1000

// clockText writes a moment without its date.
func clockText(m civil.Moment) string {
	return fmt.Sprintf("%02d.%02d.%02d%s", m.Seconds/3600, m.Seconds/60%60, m.Seconds%60, m.Offset)
}

func (n clipName) String() string {
	name := n.start.Date.String() + "T" + clockText(n.start) + "--"
	if n.end.Date != n.start.Date {
		name += n.end.Date.String() + "T"
	}
	name += clockText(n.end)
	if n.part > 1 {
		name += fmt.Sprintf("-%d", n.part)
	}
	return name + extension
}

const (
	datePattern  = `(\d{4}-\d\d-\d\d)T`
	clockPattern = `([01]\d|2[0-3])\.([0-5]\d)\.([0-5]\d)([+-]\d{4}(?:\d\d)?)?`
)

var clipPattern = regexp.MustCompile(`^` + datePattern + clockPattern + `--(?:` + datePattern + `)?` + clockPattern +
	`(?:-(\d{1,3}))?` + regexp.QuoteMeta(extension) + `$`)

// parseClipName accepts exactly what clipName.String returns, so that no other
// spelling leads to the same clip. It takes microseconds: a name that is none
// must not cost more.
func parseClipName(name string) (clipName, bool) {
	m := clipPattern.FindStringSubmatch(name)
	if m == nil {
		return clipName{}, false
	}
	startDate, ok := civil.ParseDate(m[1])
	if !ok {
		return clipName{}, false
	}
	endDate := startDate
	if m[6] != "" {
		if endDate, ok = civil.ParseDate(m[6]); !ok {
			return clipName{}, false
		}
	}
	n := clipName{start: parseMoment(startDate, m[2:6]), end: parseMoment(endDate, m[7:11]), part: 1}
	if m[11] != "" {
		n.part, _ = strconv.Atoi(m[11]) // three digits at most
	}
	return n, n.part > 0 && n.part < maxClipParts && n.String() == name
}

// parseMoment takes what clockPattern has matched.
func parseMoment(d civil.Date, matched []string) civil.Moment {
	number := func(i int) int {
		n, _ := strconv.Atoi(matched[i]) // two digits
		return n
	}
	return civil.Moment{Date: d, Seconds: number(0)*3600 + number(1)*60 + number(2), Offset: matched[3]}
}

// tooLong tells whether the interval is longer than a day. What counts is the
// clock, so that a whole day can be asked for, also when it has 25 hours.
func (n clipName) tooLong() bool { return n.end.SecondsSince(n.start) > 24*60*60 }

// interval finds the interval of time that the name stands for in a calendar. ok is
// false if there is none, since one of its ends never was on the clock, or has an offset
// that it should not have, or since it does not end after it starts.
func (n clipName) interval(c civil.Calendar) (i moonfirefs.Interval, ok bool) {
	if i.Start90k, ok = c.Instant(n.start); !ok {
		return moonfirefs.Interval{}, false
	}
	i.End90k, ok = c.Instant(n.end)
	return i, ok && i.Start90k < i.End90k
}
