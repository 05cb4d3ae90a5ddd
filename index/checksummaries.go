// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math"

	"github.com/moonfirefs/moonfirefs"
)

// maxWrongSummaries bounds what WrongSummaries reports: one command mends them all.
const maxWrongSummaries = 100

// WrongSummaries lists hours of which hour_summaries does not say what the covering
// index says, and days of which day_stretches does not say the same, up to
// maxWrongSummaries.
func (db *DB) WrongSummaries(ctx context.Context) (problems []string, err error) {
	// One transaction, so that both are of one state.
	err = inTransaction(ctx, db.readers, func(tx *sql.Tx) error {
		wrong := func(h streamHour) {
			if len(problems) < maxWrongSummaries {
				problems = append(problems, fmt.Sprintf("the summaries of stream %d at %v are not those of its recordings", h.stream, h.hour.start()))
			}
		}
		if err := missingHours(ctx, tx, wrong); err != nil {
			return err
		}
		if err := wrongHours(ctx, tx, wrong); err != nil {
			return err
		}
		return wrongDays(ctx, tx, func(d streamDay) {
			if len(problems) < maxWrongSummaries {
				problems = append(problems, fmt.Sprintf("the stretches of stream %d from %v on are not those of its recordings", d.stream, d.Start90k))
			}
		})
	})
	if err != nil {
		return nil, fmt.Errorf("check summaries: %w", asOurs(err))
	}
	return problems, nil
}

var missingHoursSQL = fmt.Sprintf(`
select distinct hour_id from recording_hour r
 where utc_hour between %d and %d and not exists (select 1 from hour_summaries h where h.id = r.hour_id) limit ?`,
	hourOf(moonfirefs.EarliestStart90k), hourOf(moonfirefs.LatestStart90k))

// missingHours finds hours of recordings that have no row.
func missingHours(ctx context.Context, tx *sql.Tx, wrong func(streamHour)) error {
	rows, err := tx.QueryContext(ctx, missingHoursSQL, maxWrongSummaries)
	if err != nil {
		return asOurs(err)
	}
	return each(rows, func() error {
		var id int64
		if rows.Scan(&id) == nil { // else BadRows tells of its stream
			wrong(hourOfRow(id))
		}
		return nil
	})
}

// summariesBatch is how many rows are read at a time.
const summariesBatch = 1000

var packedHoursSQL = fmt.Sprintf(`
select id, iif(octet_length(summaries) <= %d, summaries, x'') from hour_summaries
 where summaries is not null and id > ? order by id limit ?`, maxPackedBytes)

// wrongHours finds rows that are not what pack makes of the recordings.
func wrongHours(ctx context.Context, tx *sql.Tx, wrong func(streamHour)) error {
	for after := int64(math.MinInt64); ; {
		n := 0
		rows, err := tx.QueryContext(ctx, packedHoursSQL, after, summariesBatch)
		if err != nil {
			return asOurs(err)
		}
		err = each(rows, func() error {
			var packed sql.RawBytes
			var id int64
			if err := rows.Scan(&id, &packed); err != nil {
				return err
			}
			// A damaged tree can yield a row for ever.
			if id <= after {
				return fmt.Errorf("hour %d comes after %d: %w", id, after, moonfirefs.ErrCorrupt)
			}
			n, after = n+1, id
			recordings, damaged, err := coveredHour(ctx, tx, hourOfRow(id))
			// What is damaged is not packed.
			if err == nil && (damaged || !bytes.Equal(packed, pack(hourOfRow(id).hour, recordings))) {
				wrong(hourOfRow(id))
			}
			return err
		})
		if err != nil {
			return err
		}
		if n < summariesBatch {
			return nil
		}
	}
}
