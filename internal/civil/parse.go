// SPDX-License-Identifier: GPL-3.0-or-later

package civil

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// Forms says, for help texts, what can be written.
const Forms = `Times are those of the store's time zone: "2026-11-22 13:05", "2026-11-22T13:05:30",
13:05 (today, or for TO on the date of FROM), "yesterday 13:05", -10m or -2h30m (ago),
now, and for TO +5m (after FROM). With an offset from UTC, as in
2026-11-22T13:05:00-05:00, they are exact also when clocks go back.`

// ParseInterval reads two times in any of the Forms. A time that stands alone is today's,
// or for to on the date of from. The error wraps moonfirefs.ErrInvalid.
func (c Calendar) ParseInterval(from, to string, now time.Time) (moonfirefs.Interval, error) {
	zone := c.Zone
	r := &reader{Calendar: c, now: now.In(zone), date: now.In(zone)}
	first, err := r.read(from)
	if err != nil {
		return moonfirefs.Interval{}, err
	}
	r.date, r.from = first.In(zone), first
	last, err := r.read(to)
	if err != nil {
		return moonfirefs.Interval{}, err
	}
	if !last.After(first) {
		return moonfirefs.Interval{}, moonfirefs.Errorf(moonfirefs.ErrInvalid, "%q is not after %q: from %v to %v (if the end is on another day, give its date)",
			to, from, first.In(zone).Format(time.RFC3339), last.In(zone).Format(time.RFC3339))
	}
	return moonfirefs.Interval{Start90k: moonfirefs.FromTime(first), End90k: moonfirefs.FromTime(last)}, nil
}

// reader reads the two ends of an interval.
type reader struct {
	Calendar
	now time.Time
	// date is that of a time that stands alone.
	date time.Time
	// from is the first time once it has been read.
	from time.Time
}

var (
	relativePattern = regexp.MustCompile(`^(now ?)?([+-])((?:\d+(?:\.\d+)?[dhms])+)$`)
	daysPattern     = regexp.MustCompile(`(\d+(?:\.\d+)?)d`)
	civilPattern    = regexp.MustCompile(`^(?:(\d{4}-\d\d-\d\d|today|yesterday)(?:[T ]|$))?` +
		`(?:(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:\.\d+)?)?)? ?(Z|[+-]\d\d:?\d\d)?$`)
)

func (r *reader) read(text string) (time.Time, error) {
	text = strings.Join(strings.Fields(text), " ")
	if strings.EqualFold(text, "now") {
		return r.now.Truncate(time.Second), nil
	}
	if m := relativePattern.FindStringSubmatch(strings.ToLower(text)); m != nil {
		return r.relative(text, m)
	}
	if m := civilPattern.FindStringSubmatch(text); m != nil && m[1]+m[2] != "" {
		return r.civil(text, m)
	}
	return time.Time{}, moonfirefs.Errorf(moonfirefs.ErrInvalid, "%q is not a valid time; write it as 2026-11-22T13:05:00, 13:05 or -10m", text)
}

// relative takes what relativePattern has matched.
func (r *reader) relative(text string, matched []string) (time.Time, error) {
	// Days are not a unit of the standard library.
	duration := daysPattern.ReplaceAllStringFunc(matched[3], func(days string) string {
		n, _ := strconv.ParseFloat(strings.TrimSuffix(days, "d"), 64) // it matches
		return strconv.FormatFloat(24*n, 'f', -1, 64) + "h"
	})
	d, err := time.ParseDuration(duration)
	if err != nil {
		return time.Time{}, moonfirefs.Errorf(moonfirefs.ErrInvalid, "%q: %w", text, err)
	}
	switch {
	case matched[2] == "-":
		return r.now.Add(-d).Truncate(time.Second), nil
	case matched[1] != "":
		return r.now.Add(d).Truncate(time.Second), nil
	case r.from.IsZero():
		return time.Time{}, moonfirefs.Errorf(moonfirefs.ErrInvalid, "%q counts from the start of the interval and cannot be the start itself", text)
	}
	return r.from.Add(d), nil
}

// civil takes what civilPattern has matched.
func (r *reader) civil(text string, matched []string) (time.Time, error) {
	year, month, day := r.date.Date()
	switch matched[1] {
	case "":
	case "today":
		year, month, day = r.now.Date()
	case "yesterday":
		year, month, day = r.now.AddDate(0, 0, -1).Date()
	default:
		date, err := time.Parse(time.DateOnly, matched[1])
		if err != nil {
			return time.Time{}, moonfirefs.Errorf(moonfirefs.ErrInvalid, "%q: no such date", text)
		}
		year, month, day = date.Date()
	}
	var clock [3]int
	for i := range clock {
		clock[i], _ = strconv.Atoi("0" + matched[2+i]) // two digits, or none
	}
	if clock[0] > 23 || clock[1] > 59 || clock[2] > 59 {
		return time.Time{}, moonfirefs.Errorf(moonfirefs.ErrInvalid, "%q: no such time of day", text)
	}
	wall := time.Date(year, month, day, clock[0], clock[1], clock[2], 0, time.UTC)
	if matched[5] != "" {
		return withOffset(wall, matched[5])
	}
	return r.onClock(wall)
}

func withOffset(wall time.Time, offset string) (time.Time, error) {
	if offset == "Z" {
		return wall, nil
	}
	text := wall.Format("2006-01-02T15:04:05") + strings.ReplaceAll(offset, ":", "")
	t, err := time.Parse("2006-01-02T15:04:05-0700", text)
	if err != nil {
		return time.Time{}, moonfirefs.Errorf(moonfirefs.ErrInvalid, "%q: %w", text, err)
	}
	return t, nil
}

// onClock finds when the clock shows what wall shows in UTC.
func (c Calendar) onClock(wall time.Time) (time.Time, error) {
	found := c.occurrences(MomentOf(wall))
	switch len(found) {
	case 1:
		return found[0].at.Time().In(c.Zone), nil
	case 0:
		return time.Time{}, moonfirefs.Errorf(moonfirefs.ErrInvalid, "%s did not exist in %s: clocks went forward then",
			wall.Format(time.DateTime), c.Zone)
	}
	return time.Time{}, moonfirefs.Errorf(moonfirefs.ErrInvalid, "%s occurred twice in %s; write %s or %s", wall.Format(time.DateTime), c.Zone,
		c.Format(found[0].at, time.RFC3339), c.Format(found[1].at, time.RFC3339))
}
