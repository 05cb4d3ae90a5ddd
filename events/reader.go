// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

const (
	// Folder is the name of the folder of events in each stream's folder.
	Folder = "events"
	// dateFile is the name of the list of events of a date, and fileSuffix takes the place
	// of ".mp4" in the name of the list of those of a file.
	dateFile, fileSuffix = "events.json", ".events.json"
)

// Reader shows the events of a store. It opens the database when it is asked and there is
// one: while nobody has made it, there is nothing to show. It is safe for concurrent use.
type Reader struct {
	database *Database
	calendar civil.Calendar
	margin   time.Duration
}

// NewReader returns a reader of the database at path. Clips begin and end so much before and
// after their events. Close it.
func NewReader(path string, calendar civil.Calendar, margin time.Duration) *Reader {
	return &Reader{database: &Database{kind.Readable(path)}, calendar: calendar, margin: margin}
}

// Close closes the database.
func (r *Reader) Close() error { return r.database.Close() }

// Within lists the events of a camera that overlap an interval, in the order of time; none
// if there is no database.
func (r *Reader) Within(ctx context.Context, camera uuid.UUID, i moonfirefs.Interval) ([]Event, error) {
	all, err := r.database.Within(ctx, camera, i)
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return nil, nil
	}
	return all, err
}

// since is Database.Since; there are none if there is no database.
func (r *Reader) since(ctx context.Context, camera uuid.UUID, after int64, from90k moonfirefs.Time90k) ([]Event, error) {
	all, err := r.database.Since(ctx, camera, after, from90k)
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return nil, nil
	}
	return all, err
}

// Changes is another number after each change of an event, and 0 if there is no database.
func (r *Reader) Changes(ctx context.Context) (int64, error) {
	now, err := r.state(ctx)
	const perDatabase = 1 << 40 // more changes than there are
	return now.opened*perDatabase + now.changes, err
}

// state is that of the database; the zero value if there is none.
func (r *Reader) state(ctx context.Context) (state, error) {
	now, err := r.database.state(ctx)
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return state{}, nil
	}
	return now, err
}

// Folder is the name of the folder of events.
func (r *Reader) Folder() string { return Folder }

// Dates lists the dates on which events of a stream's camera start.
func (r *Reader) Dates(ctx context.Context, s *library.Stream) (dates []civil.Date, err error) {
	err = r.database.starts(ctx, s.Camera, func(start90k moonfirefs.Time90k) {
		date := civil.DateOf(start90k.Time().In(r.calendar.Zone))
		if len(dates) == 0 || date != dates[len(dates)-1] {
			dates = append(dates, date)
		}
	})
	slices.SortFunc(dates, civil.Date.Compare) // a zone may have been west of here and then east
	return slices.Compact(dates), err
}

// Clips lists the clips of events that start on a date.
func (r *Reader) Clips(ctx context.Context, s *library.Stream, date civil.Date) ([]library.NamedInterval, error) {
	if err := r.database.Ready(ctx); err != nil {
		return nil, err
	}
	hours := r.calendar.Hours(date)
	if len(hours) == 0 {
		return nil, nil
	}
	all, err := r.database.Starting(ctx, s.Camera, spanOf(hours))
	if err != nil {
		return nil, err
	}
	return clipsOf(r.calendar, hours, all, moonfirefs.FromDuration(r.margin)), nil
}

func spanOf(hours []civil.Hour) moonfirefs.Interval {
	return moonfirefs.Interval{Start90k: hours[0].Start90k, End90k: hours[len(hours)-1].End90k}
}

// Suffix takes the place of ".mp4" in the name of the list of events of a file.
func (r *Reader) Suffix() string { return fileSuffix }

// OfFile lists the events that overlap the interval of a file, as JSON.
func (r *Reader) OfFile(ctx context.Context, s *library.Stream, v *library.Version) ([]byte, error) {
	return r.json(ctx, s, v.Interval)
}

// OfDate lists the events that overlap a date, as JSON, in the file events.json.
func (r *Reader) OfDate(ctx context.Context, s *library.Stream, date civil.Date, name string) ([]byte, error) {
	hours := r.calendar.Hours(date)
	if name != dateFile || len(hours) == 0 {
		return nil, moonfirefs.ErrNotFound
	}
	return r.json(ctx, s, spanOf(hours))
}

// OfRoot returns nothing: there is no list of all.
func (r *Reader) OfRoot(context.Context, string) ([]byte, error) { return nil, moonfirefs.ErrNotFound }

// Line is what JSON tells of an event.
type Line struct {
	ID           int64              `json:"id"`
	Start        string             `json:"start"`
	End          string             `json:"end"`
	StartTime90k moonfirefs.Time90k `json:"startTime90k"`
	EndTime90k   moonfirefs.Time90k `json:"endTime90k"`
	Label        string             `json:"label"`
	Source       string             `json:"source"`
}

// LineOf tells of an event in a zone.
func LineOf(e *Event, zone *time.Location) Line {
	civil := func(t moonfirefs.Time90k) string { return t.Time().In(zone).Format(time.RFC3339Nano) }
	return Line{e.ID, civil(e.Start90k), civil(e.End90k), e.Start90k, e.End90k, e.Label, e.Source}
}

func (r *Reader) json(ctx context.Context, s *library.Stream, within moonfirefs.Interval) ([]byte, error) {
	all, err := r.database.Within(ctx, s.Camera, within)
	if err != nil {
		return nil, err
	}
	lines := make([]Line, len(all))
	for i := range all {
		lines[i] = LineOf(&all[i], r.calendar.Zone)
	}
	text, err := json.MarshalIndent(lines, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return append(text, '\n'), nil
}
