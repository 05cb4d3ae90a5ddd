// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// Opening returns one opening of the store, or an error that wraps
// moonfirefs.ErrNotFound.
func (db *DB) Opening(ctx context.Context, id moonfirefs.OpenID) (o moonfirefs.Opening, err error) {
	err = db.readers.QueryRowContext(ctx, `select id, uuid, end_time_90k is not null from open where id = ?`, id).
		Scan(&o.ID, &o.UUID, &o.Ended)
	if err != nil {
		return moonfirefs.Opening{}, fmt.Errorf("read opening %d of the store: %w", id, notFound(err))
	}
	return o, nil
}

// LastOpening returns the last opening of the store for writing; ok is false if
// there was none.
func (db *DB) LastOpening(ctx context.Context) (o moonfirefs.Opening, ok bool, err error) {
	err = db.readers.QueryRowContext(ctx, `select id, uuid, end_time_90k is not null from open order by id desc limit 1`).
		Scan(&o.ID, &o.UUID, &o.Ended)
	if errors.Is(err, sql.ErrNoRows) {
		return moonfirefs.Opening{}, false, nil
	}
	if err != nil {
		return moonfirefs.Opening{}, false, fmt.Errorf("read the last opening of the store: %w", asOurs(err))
	}
	return o, true, nil
}

// The newest recording of each stream is found through the index; there is none
// for directories, and no need of one: what was recorded last to a directory is
// the newest of some stream, unless the stream was moved elsewhere since. The newest is
// the one that was committed last: one that is dated in the future, since this machine's
// clock was wrong, would hide all that was recorded after it.
const lastOpeningsSQL = `
select r.sample_dir_id, max(r.open_id)
  from stream s join recording r on r.id = (
       select id from recording where stream_id = s.id order by id desc limit 1)
 group by r.sample_dir_id`

// LastRecordedTo tells, for each sample directory that holds the newest recording
// of a stream, in which opening of the store that was made.
func (db *DB) LastRecordedTo(ctx context.Context) (map[moonfirefs.SampleDirID]moonfirefs.OpenID, error) {
	rows, err := db.readers.QueryContext(ctx, lastOpeningsSQL)
	if err != nil {
		return nil, fmt.Errorf("find the newest recordings: %w", asOurs(err))
	}
	last := make(map[moonfirefs.SampleDirID]moonfirefs.OpenID)
	err = each(rows, func() error {
		var dir moonfirefs.SampleDirID
		var open moonfirefs.OpenID
		if err := rows.Scan(&dir, &open); err != nil {
			return err
		}
		last[dir] = open
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find the newest recordings: %w", err)
	}
	return last, nil
}
