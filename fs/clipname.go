package fs

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/moonfirefs/moonfirefs"
)

// clipName is what the name of a clip says: an interval of civil time, and which
// part of it.
//
//	2026-11-22T13.05.00--13.07.30.mp4
//	2026-11-22T23.50.00--2026-11-23T00.10.00.mp4
//	2026-11-01T01.55.00-0400--01.05.00-0500.mp4
//	2026-11-22T13.05.00--13.07.30-2.mp4
type clipName struct {
	start, end moment
	// part counts from 1. It is below maxClipParts, since "-1000" is an offset.
	part int
}

const maxClipParts = 1000

// moment is a civil time as somebody writes it, to the second.
type moment struct {
	date date
	// seconds are those on the clock since midnight: 0 to 86399.
	seconds int
	// offset is the UTC offset, such as "-0400", and empty if not given.
	offset string
}

func (m moment) clock() string {
	return fmt.Sprintf("%02d.%02d.%02d%s", m.seconds/3600, m.seconds/60%60, m.seconds%60, m.offset)
}

func (n clipName) String() string {
	name := n.start.date.String() + "T" + n.start.clock() + "--"
	if n.end.date != n.start.date {
		name += n.end.date.String() + "T"
	}
	name += n.end.clock()
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
	startDate, ok := parseDate(m[1])
	if !ok {
		return clipName{}, false
	}
	endDate := startDate
	if m[6] != "" {
		if endDate, ok = parseDate(m[6]); !ok {
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
func parseMoment(d date, matched []string) moment {
	number := func(i int) int {
		n, _ := strconv.Atoi(matched[i]) // two digits
		return n
	}
	return moment{date: d, seconds: number(0)*3600 + number(1)*60 + number(2), offset: matched[3]}
}

// secondsSince tells by how much the clock shows more at m than at n.
func (m moment) secondsSince(n moment) int {
	return int(m.date.midnightUTC().Unix()-n.date.midnightUTC().Unix()) + m.seconds - n.seconds
}

// tooLong tells whether the interval is longer than a day. What counts is the
// clock, so that a whole day can be asked for, also when it has 25 hours.
func (n clipName) tooLong() bool { return n.end.secondsSince(n.start) > 24*secondsPerHour }

// interval finds the interval of time that a clip's name stands for. ok is false
// if there is none, since one of its ends never was on the clock, or has an
// offset that it should not have, or since it does not end after it starts.
func (c calendar) interval(n clipName) (s span, ok bool) {
	start, ok := c.instant(n.start)
	if !ok {
		return span{}, false
	}
	end, ok := c.instant(n.end)
	return span{start, end}, ok && start < end
}

// instant finds when the clock shows m. If that happens twice, the offset says
// which one is meant, and without one it is the first. A time that happens once
// is written without an offset.
func (c calendar) instant(m moment) (moonfirefs.Time90k, bool) {
	var found []moonfirefs.Time90k
	var offsets []string
	for _, h := range c.hours(m.date) {
		t := moonfirefs.FromTime(m.date.midnightUTC()) + fromSeconds(int64(m.seconds-int(h.offsetSeconds)))
		if t >= h.start && t < h.end {
			found, offsets = append(found, t), append(offsets, formatOffset(int(h.offsetSeconds)))
		}
	}
	for i, t := range found {
		if m.offset == "" || len(found) > 1 && m.offset == offsets[i] {
			return t, true
		}
	}
	return 0, false
}
