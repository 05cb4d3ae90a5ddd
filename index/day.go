// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// streamDay is a civil date of a stream, or a piece of one if the clocks show it twice: a
// row of day_stretches.
type streamDay struct {
	stream moonfirefs.StreamID
	moonfirefs.Interval
}

// id is that of the row.
func (d streamDay) id() int64 { return streamHour{d.stream, hourOf(d.Start90k)}.id() }

// maxDayHours is how long a day can be that has a row. The triggers know it.
const maxDayHours = 26

// calendarOf is the calendar of a store. ok is false if this machine does not know the
// zone: then no days are packed.
func calendarOf(zone string) (c civil.Calendar, ok bool) {
	location, err := time.LoadLocation(zone)
	return civil.Calendar{Zone: location}, err == nil
}

// daysOf lists the days that an hour of UTC has a part in: one, or two where the civil date
// changes within it.
func daysOf(c civil.Calendar, h streamHour) (days []streamDay) {
	for _, at := range []moonfirefs.Time90k{h.hour.start(), (h.hour + 1).start() - 1} {
		for _, piece := range civil.Pieces(c.Hours(c.HourAt(at).Date)) {
			d := streamDay{h.stream, piece}
			if piece.Contains(at) && !slices.Contains(days, d) {
				days = append(days, d)
			}
		}
	}
	return days
}

// packDay packs a day, unless it has no recordings, or something that is damaged.
func packDay(ctx context.Context, tx *sql.Tx, d streamDay) error {
	if d.Duration90k() > maxDayHours*moonfirefs.Hour90k {
		return nil
	}
	stretches, sound, err := stretchesOfDay(ctx, tx, d)
	if err != nil || !sound || len(stretches) == 0 {
		return err
	}
	packed := packStretches(d.Interval, stretches)
	if len(packed) > maxPackedDayBytes {
		return nil
	}
	_, err = tx.ExecContext(ctx, `insert or replace into day_stretches (id, start_time_90k, end_time_90k, stretches) values (?, ?, ?, ?)`,
		d.id(), d.Start90k, d.End90k, packed)
	return err
}

var hoursOfDaySQL = fmt.Sprintf(`
select id, iif(octet_length(summaries) <= %d, summaries, null) from hour_summaries where id between ? and ? order by id`, maxPackedBytes)

// stretchesOfDay makes the stretches of a day. sound is false if something is damaged.
func stretchesOfDay(ctx context.Context, tx *sql.Tx, d streamDay) (stretches []moonfirefs.Stretch, sound bool, err error) {
	rows, err := tx.QueryContext(ctx, hoursOfDaySQL, d.id(), streamHour{d.stream, hourOf(d.End90k - 1)}.id())
	if err != nil {
		return nil, false, asOurs(err)
	}
	err = each(rows, func() error {
		var packed sql.RawBytes
		var id int64
		if err := rows.Scan(&id, &packed); err != nil {
			return err
		}
		recordings, damaged, err := recordingsOfHour(ctx, tx, hourOfRow(id), packed)
		if err == nil && damaged {
			err = errDone
		}
		for i := range recordings {
			if d.Contains(recordings[i].Start90k) {
				stretches = moonfirefs.AppendStretch(stretches, moonfirefs.StretchOf(&recordings[i]))
			}
		}
		return err
	})
	if errors.Is(err, errDone) {
		return nil, false, nil
	}
	return stretches, err == nil, err
}

// recordingsOfHour unpacks the recordings of an hour, or reads them from the covering index.
func recordingsOfHour(ctx context.Context, tx *sql.Tx, h streamHour, packed []byte) (recordings []moonfirefs.Summary, damaged bool, err error) {
	err = unpack(h.hour, packed, func(s *moonfirefs.Summary) error {
		recordings = append(recordings, *s)
		return nil
	})
	if err == nil && len(recordings) > 0 && len(recordings) <= moonfirefs.MaxHourRecordings {
		return recordings, false, nil
	}
	return coveredHour(ctx, tx, h)
}

// packDays packs the days of a stream that have recordings and no row, but for those of the
// oldest and of the newest recording, and does so from a day on. It looks at some of them
// and returns the hour from which to go on; ok is false if there are no more.
func packDays(ctx context.Context, tx *sql.Tx, c civil.Calendar, stream moonfirefs.StreamID, from utcHour) (next utcHour, ok bool, err error) {
	open, err := openDays(ctx, tx, c, stream)
	if err != nil {
		return 0, false, err
	}
	for range maxPackedDays {
		var id sql.Null[int64]
		if err := tx.QueryRowContext(ctx, `select min(id) from hour_summaries where id between ? and ?`,
			streamHour{stream, from}.id(), streamHour{stream, maxHour}.id()).Scan(&id); err != nil || !id.Valid {
			return 0, false, err
		}
		from = hourOfRow(id.V).hour + 1
		for _, d := range daysOf(c, hourOfRow(id.V)) {
			if err := packMissingDay(ctx, tx, d, open); err != nil {
				return 0, false, err
			}
			// The hour in which it ends has a part in the next one.
			from = max(from, hourOf(d.End90k))
		}
	}
	return from, true, nil
}

// maxPackedDays bounds the days that packDays looks at.
const maxPackedDays = 100

func packMissingDay(ctx context.Context, tx *sql.Tx, d streamDay, open []streamDay) error {
	var packed bool
	err := tx.QueryRowContext(ctx, `select exists (select 1 from day_stretches where id = ?)`, d.id()).Scan(&packed)
	if err != nil || packed || slices.Contains(open, d) {
		return err
	}
	return packDay(ctx, tx, d)
}

// openDays are the days of the oldest and of the newest recording of a stream.
func openDays(ctx context.Context, tx *sql.Tx, c civil.Calendar, stream moonfirefs.StreamID) (days []streamDay, err error) {
	hours, err := boundaryHours(ctx, tx, stream)
	for _, h := range hours {
		days = append(days, daysOf(c, h)...)
	}
	return days, err
}

// packAllDays packs the days of all streams.
func (db *DB) packAllDays(ctx context.Context) error {
	c, ok := calendarOf(db.meta.TimeZone)
	if !ok {
		return nil
	}
	streams, err := streamIDs(ctx, db.readers)
	if err != nil {
		return err
	}
	for _, stream := range streams {
		for from, ok := minHour, true; ok; {
			err := inTransaction(ctx, db.writer, func(tx *sql.Tx) (err error) {
				from, ok, err = packDays(ctx, tx, c, stream, from)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// streamIDs lists the streams that can have hours.
func streamIDs(ctx context.Context, db querier) (streams []moonfirefs.StreamID, err error) {
	rows, err := db.QueryContext(ctx, `select id from stream where id between 1 and ? order by id`, moonfirefs.MaxStreamID)
	if err != nil {
		return nil, asOurs(err)
	}
	err = each(rows, func() error {
		var id moonfirefs.StreamID
		err := rows.Scan(&id)
		streams = append(streams, id)
		return err
	})
	return streams, err
}
