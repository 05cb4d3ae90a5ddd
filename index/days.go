// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"fmt"
	"math"

	"github.com/moonfirefs/moonfirefs"
)

// daysBatch is how many rows of day_stretches are read at a time: few pages.
const daysBatch = 256

// daysSQL passes over what is longer than any packed day.
var daysSQL = fmt.Sprintf(`
select id, start_time_90k, end_time_90k, stretches from day_stretches
 where id between ? and ? and octet_length(stretches) between 1 and %d order by id limit %d`, maxPackedDayBytes, daysBatch)

// EachDay calls fn for days of a stream of which is known, by a row for each, what was
// recorded: the stretches of all recordings that start within the day, in order. A day is a
// civil date of the store, or a piece of one. Of days for which fn is not called nothing is
// said: EachSummaryOrDamage tells what was recorded on them. fn must not keep the
// stretches.
func (db *DB) EachDay(ctx context.Context, stream moonfirefs.StreamID, fn func(moonfirefs.Interval, []moonfirefs.Stretch) error) error {
	if stream < 1 || stream > moonfirefs.MaxStreamID {
		return nil
	}
	for from := minHour; ; {
		days, last, err := packedDays(ctx, db.readers, streamHour{stream, from}.id(), streamHour{stream, maxHour}.id())
		if err != nil {
			return fmt.Errorf("list days of stream %d: %w", stream, err)
		}
		for i := range days {
			stretches, err := unpackStretches(days[i].Interval, days[i].packed)
			if err != nil {
				continue // a row that is damaged says no more than none
			}
			if err := fn(days[i].Interval, stretches); err != nil {
				return err
			}
		}
		if len(days) < daysBatch {
			return nil
		}
		from = hourOfRow(last).hour + 1
	}
}

// packedDay is a row of day_stretches.
type packedDay struct {
	id int64
	moonfirefs.Interval
	packed []byte
}

// packedDays reads up to daysBatch rows in a range of ids, and the id of the last one.
func packedDays(ctx context.Context, db querier, from, to int64) (days []packedDay, last int64, err error) {
	rows, err := db.QueryContext(ctx, daysSQL, from, to)
	if err != nil {
		return nil, 0, asOurs(err)
	}
	last = math.MinInt64
	err = each(rows, func() error {
		var d packedDay
		if err := rows.Scan(&d.id, &d.Start90k, &d.End90k, &d.packed); err != nil {
			return err
		}
		// A damaged tree can yield a row for ever.
		if d.id <= last {
			return fmt.Errorf("day %d comes after %d: %w", d.id, last, moonfirefs.ErrCorrupt)
		}
		last = d.id
		days = append(days, d)
		return nil
	})
	return days, last, err
}

// unpackableDaysSQL finds what daysSQL passes over.
var unpackableDaysSQL = fmt.Sprintf(`
select id, start_time_90k, end_time_90k from day_stretches where octet_length(stretches) not between 1 and %d limit ?`, maxPackedDayBytes)

// unpackableDays finds rows that nobody reads.
func unpackableDays(ctx context.Context, tx *sql.Tx, wrong func(streamDay)) error {
	rows, err := tx.QueryContext(ctx, unpackableDaysSQL, maxWrongSummaries)
	if err != nil {
		return asOurs(err)
	}
	return each(rows, func() error {
		var id int64
		var day moonfirefs.Interval
		if err := rows.Scan(&id, &day.Start90k, &day.End90k); err != nil {
			return err
		}
		wrong(streamDay{hourOfRow(id).stream, day})
		return nil
	})
}

// wrongDays finds rows that are not what packStretches makes of the recordings.
func wrongDays(ctx context.Context, tx *sql.Tx, wrong func(streamDay)) error {
	if err := unpackableDays(ctx, tx, wrong); err != nil {
		return err
	}
	for from := int64(math.MinInt64); ; {
		days, last, err := packedDays(ctx, tx, from, math.MaxInt64)
		if err != nil {
			return err
		}
		for i := range days {
			d := streamDay{hourOfRow(days[i].id).stream, days[i].Interval}
			stretches, sound, err := stretchesOfDay(ctx, tx, d)
			if err != nil {
				return err
			}
			if !sound || d.id() != days[i].id || string(packStretches(d.Interval, stretches)) != string(days[i].packed) {
				wrong(d)
			}
		}
		if len(days) < daysBatch {
			return nil
		}
		from = last + 1
	}
}
