// SPDX-License-Identifier: GPL-3.0-or-later

package status

import (
	"fmt"
	"math"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
)

// Words puts the values of a report into words, with times of day in the zone of
// the store.
type Words struct {
	*Report
	zone *time.Location
}

// Words is described at the type.
func (r *Report) Words() Words { return Words{r, r.Zone()} }

// State says in a few words what a stream is doing.
func (r Words) State(s *Stream) string {
	switch {
	case s.Live == nil && s.Retired:
		return "retired"
	case s.Live == nil && r.Since.IsZero():
		return "no recorder"
	case s.Live == nil:
		return "not recorded"
	}
	if since, away := s.away(r.Report); away {
		return "offline since " + r.Moment(since)
	}
	if s.Live.ConnectedSince.IsZero() { // too short a time for a problem
		return "connecting"
	}
	if !s.Live.InterruptedSince.IsZero() {
		return "not recorded since " + r.Moment(s.Live.InterruptedSince)
	}
	return "connected since " + r.Moment(s.Live.ConnectedSince)
}

// LastFrame says when the last frame arrived, or, if nothing records the
// stream, when its footage ends.
func (r Words) LastFrame(s *Stream) string {
	last := s.Last
	if s.Live != nil && !s.Live.LastFrame.IsZero() {
		last = s.Live.LastFrame
	}
	if last.IsZero() {
		return "–"
	}
	return r.Moment(last)
}

// Moment leaves the date out if it is today's.
func (r Words) Moment(t time.Time) string {
	t, now := t.In(r.zone), r.Time.In(r.zone)
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format("2006-01-02 15:04")
}

// DriftText says how far this machine's clock was ahead of the camera's.
func (s *Stream) DriftText() string {
	if s.Live == nil {
		return "–"
	}
	return fmt.Sprintf("%+d ms", int64(math.Round(s.Live.DriftSeconds*1000)))
}

// RecordedText says how much of the quota is used, and how much of that has events or is kept.
func (s *Stream) RecordedText() string {
	text := BytesText(s.SampleFileBytes) + " of " + BytesText(s.QuotaBytes())
	if s.RetainSeconds > 0 {
		text += ", " + AgeText(s.retainFor()) + " at most"
	}
	if s.RetainEventsBytes > 0 {
		text += ", " + BytesText(s.EventsBytes) + " of " + BytesText(s.RetainEventsBytes) + " with events"
	}
	if s.KeptBytes > 0 {
		text += ", " + BytesText(s.KeptBytes) + " kept"
	}
	return text
}

// StateText says how moving is going.
func (t *Tier) StateText() string {
	switch {
	case t.Error != "":
		return "waits: " + t.Error
	case t.LateSeconds >= 1:
		return DurationText(time.Duration(t.LateSeconds*float64(time.Second))) + " behind"
	}
	return "up to date"
}

func (s *Stream) retainFor() time.Duration {
	return time.Duration(s.RetainSeconds * float64(time.Second))
}

// BackText says how far back the footage goes.
func (s *Stream) BackText() string {
	if s.First.IsZero() {
		return "–"
	}
	return DaysText(s.DaysKept)
}

// FullText says when the quota or the disk will be full.
func (s *Stream) FullText() string {
	switch {
	case s.RetentionReached:
		return "reached"
	case s.DaysUntilFull == nil:
		return "–"
	}
	return DaysText(*s.DaysUntilFull)
}

// Text is "none", or how many gaps there are, and how long they are together.
func (g Gaps) Text() string {
	if g.Count == 0 {
		return "none"
	}
	return fmt.Sprintf("%d (%s)", g.Count, DurationText(time.Duration(g.Seconds*float64(time.Second))))
}

// SpaceText says how much room there is.
func (d *Directory) SpaceText() string {
	if d.Remote {
		return "as much as is wanted"
	}
	return BytesText(d.AvailableBytes) + " free of " + BytesText(d.SizeBytes)
}

// BytesText rounds a size for people, in powers of 1000: "2.1 GB".
func BytesText(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

// DurationText rounds a duration for people, to the second below an hour and to the minute
// from there on: "47 s", "10 min 0 s", "14 h 0 min".
func DurationText(d time.Duration) string {
	switch seconds, minutes := d.Round(time.Second)/time.Second, d.Round(time.Minute)/time.Minute; {
	case seconds < 60:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%d min %d s", seconds/60, seconds%60)
	default:
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	}
}

// AgeText says how old footage may become, exactly: "30 days", "72 hours".
func AgeText(d time.Duration) string {
	for _, unit := range []struct {
		duration time.Duration
		name     string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		// As a person has written it: 72 hours are no 3 days.
		if d%unit.duration == 0 && d >= unit.duration && (unit.name != "day" || d > 7*unit.duration) {
			return english.Plural(int(d/unit.duration), unit.name, "")
		}
	}
	return english.Plural(int(d/time.Second), "second", "")
}

// DaysText rounds a number of days for people.
func DaysText(days float64) string {
	switch hours := days * 24; {
	case hours < 1:
		return "less than an hour"
	case hours < 48:
		return fmt.Sprintf("%.0f h", hours)
	case days < 10:
		return fmt.Sprintf("%.1f days", days)
	case days < 3650:
		return fmt.Sprintf("%.0f days", days)
	}
	return "over ten years"
}

// BitRateText rounds bits per second for people.
func BitRateText(bitsPerSecond float64) string {
	switch {
	case bitsPerSecond <= 0:
		return "–"
	case bitsPerSecond < 1e6:
		return fmt.Sprintf("%.0f kbit/s", bitsPerSecond/1e3)
	}
	return fmt.Sprintf("%.1f Mbit/s", bitsPerSecond/1e6)
}
