// SPDX-License-Identifier: GPL-3.0-or-later

package previews

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// A maker that runs changes its database more often than every quietFor, and has dropped by then
// what it has pictures of that is gone.
const quietFor = sweepEvery + 5*time.Minute

// day90k is how much is compared at a time.
const day90k = 24 * moonfirefs.Hour90k

// Problems lists what is wrong with the database at path, in words, and how many pictures it has
// of recordings that are gone, which are not counted while a maker is at work. It returns an error
// that wraps moonfirefs.ErrNotFound if there is no database.
func Problems(ctx context.Context, path string, store uuid.UUID, index Index) (problems []string, orphans int, err error) {
	if problems, err = kind.Problems(ctx, path, store); err != nil || len(problems) > 0 {
		return problems, 0, err
	}
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(path + suffix); err == nil && info.Size() > 0 && time.Since(info.ModTime()) < quietFor {
			return nil, 0, nil
		}
	}
	d, err := ReadDatabase(ctx, path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	streams, err := d.streams(ctx)
	if err != nil {
		return nil, 0, err
	}
	for _, stream := range streams {
		n, err := d.orphans(ctx, stream, index)
		if err != nil {
			return nil, 0, err
		}
		orphans += n
	}
	return nil, orphans, nil
}

// orphans counts the pictures of a stream whose recordings are gone.
func (d *Database) orphans(ctx context.Context, stream moonfirefs.StreamID, index Index) (n int, err error) {
	at := moonfirefs.MinTime90k
	for {
		from, ok, err := d.firstFrom(ctx, stream, at)
		if err != nil || !ok {
			return n, err
		}
		at = from.Add(day90k)
		known, err := d.known(ctx, stream, moonfirefs.Interval{Start90k: from, End90k: at})
		if err != nil {
			return n, err
		}
		err = index.EachSummaryOrDamage(ctx, stream, from, at, func(r *moonfirefs.Summary) error {
			delete(known, r.ID)
			return nil
		}, func(*moonfirefs.Damage) error { return nil })
		if err != nil {
			return n, fmt.Errorf("find recordings: %w", err)
		}
		n += len(known)
	}
}

// firstFrom is when the first picture of a stream begins at a time or later.
func (d *Database) firstFrom(ctx context.Context, stream moonfirefs.StreamID, from moonfirefs.Time90k) (first moonfirefs.Time90k, ok bool, err error) {
	err = d.eachRow(ctx, "select start_time_90k from picture where stream_id = ? and start_time_90k >= ? order by start_time_90k limit 1",
		[]any{stream, from}, func(rows *sql.Rows) error {
			ok = true
			return rows.Scan(&first)
		})
	return first, ok, err
}
