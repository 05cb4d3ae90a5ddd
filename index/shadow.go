// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// Shadow is what an index takes over from that of another program, whose footage it shows.
// All ids are that program's, but for those of video sample entries.
type Shadow struct {
	Dirs []SampleDir
	// Cameras are all that there are now.
	Cameras []moonfirefs.Camera
	// Openings are those of the recordings.
	Openings map[moonfirefs.OpenID]uuid.UUID
}

// ShadowRecordings are recordings that come and go in a shadow.
type ShadowRecordings struct {
	// Insert are new ones, with ids and without digests. Their video sample entries are
	// Entries, in parallel.
	Insert  []*moonfirefs.Recording
	Entries []*moonfirefs.VideoSampleEntry
	// Gone are those that the other program has deleted. One that is not there is passed over.
	Gone []moonfirefs.RecordingID
	// Trimmed are times of streams at which something had been deleted before anybody looked.
	Trimmed map[moonfirefs.StreamID][]moonfirefs.Time90k
}

// SetShadow makes directories, cameras and openings what another program says. The
// recordings of a camera that is gone must be gone before.
func (db *DB) SetShadow(ctx context.Context, s *Shadow) error {
	err := inTransaction(ctx, db.writer, func(tx *sql.Tx) error {
		for i := range s.Dirs {
			d := &s.Dirs[i]
			if _, err := tx.ExecContext(ctx, `insert into sample_dir (id, uuid, path) values (?, ?, ?)
				on conflict (id) do update set uuid = excluded.uuid, path = excluded.path`, d.ID, d.UUID[:], d.Path); err != nil {
				return fmt.Errorf("sample directory %d: %w", d.ID, err)
			}
		}
		for id, name := range s.Openings {
			if _, err := tx.ExecContext(ctx, `insert or ignore into open (id, uuid, start_time_90k) values (?, ?, 0)`, id, name[:]); err != nil {
				return fmt.Errorf("opening %d: %w", id, err)
			}
		}
		return setShadowCameras(ctx, tx, s.Cameras)
	})
	if err != nil {
		return fmt.Errorf("take over cameras: %w", asOurs(err))
	}
	return nil
}

func setShadowCameras(ctx context.Context, tx *sql.Tx, cameras []moonfirefs.Camera) error {
	// Names may have been exchanged; meanwhile none may be there twice.
	if _, err := tx.ExecContext(ctx, `update camera set short_name = '~' || id`); err != nil {
		return err
	}
	var cameraIDs, streamIDs []moonfirefs.RecordingID // any ids, for jsonArray
	for i := range cameras {
		c := &cameras[i]
		if _, err := tx.ExecContext(ctx, `insert into camera (id, uuid, short_name, description, retired, username, password) values (?, ?, ?, ?, ?, '', '')
			on conflict (id) do update set uuid = excluded.uuid, short_name = excluded.short_name, description = excluded.description`,
			c.ID, c.UUID[:], c.ShortName, c.Description, c.Retired); err != nil {
			return fmt.Errorf("camera %d: %w", c.ID, err)
		}
		cameraIDs = append(cameraIDs, moonfirefs.RecordingID(c.ID))
		for j := range c.Streams {
			st := &c.Streams[j]
			if _, err := tx.ExecContext(ctx, `insert into stream (id, camera_id, kind, sample_dir_id, url, transport, retain_bytes) values (?, ?, ?, ?, ?, ?, ?)
				on conflict (id) do update set sample_dir_id = excluded.sample_dir_id, url = excluded.url, transport = excluded.transport, retain_bytes = excluded.retain_bytes`,
				st.ID, c.ID, st.Kind, st.SampleDir, st.URL, st.Transport, st.RetainBytes); err != nil {
				return fmt.Errorf("stream %d: %w", st.ID, err)
			}
			streamIDs = append(streamIDs, moonfirefs.RecordingID(st.ID))
		}
	}
	for _, query := range []string{
		`delete from trimmed_quarter where stream_id not in (select value from json_each(?))`,
		`delete from hour_summaries where stream_id not in (select value from json_each(?))`,
		`delete from day_stretches where (id + 34359738368) >> 36 not in (select value from json_each(?))`,
		`delete from stream where id not in (select value from json_each(?))`,
	} {
		if _, err := tx.ExecContext(ctx, query, jsonArray(streamIDs)); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `delete from camera where id not in (select value from json_each(?))`, jsonArray(cameraIDs))
	return err
}

// FollowShadow takes over recordings in one transaction. Those that go leave the marks that
// retention leaves, and what is open stays readable.
func (db *DB) FollowShadow(ctx context.Context, s *ShadowRecordings) error {
	if _, err := db.commitWith(context.WithoutCancel(ctx), &Change{Retain: s.streams()}, func(ctx context.Context, t *transaction) error {
		return t.followShadow(ctx, s)
	}); err != nil {
		return fmt.Errorf("take over recordings: %w", err)
	}
	return nil
}

// streams are those that recordings come to.
func (s *ShadowRecordings) streams() (all []moonfirefs.StreamID) {
	for _, r := range s.Insert {
		if !slices.Contains(all, r.Stream) {
			all = append(all, r.Stream)
		}
	}
	return all
}

func (t *transaction) followShadow(ctx context.Context, s *ShadowRecordings) error {
	if err := t.noteBounds(ctx); err != nil {
		return err
	}
	for _, id := range s.Gone {
		switch err := t.delete(ctx, id); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return fmt.Errorf("recording %d: %w", id, err)
		}
	}
	for _, file := range t.Deleted {
		if err := t.release(ctx, file.UUID); err != nil {
			return err
		}
	}
	if err := t.insertShadows(ctx, s); err != nil {
		return err
	}
	for stream, times := range s.Trimmed {
		if err := t.markTrimmed(ctx, stream, times); err != nil {
			return err
		}
	}
	return t.packSummaries(ctx)
}

// RecordingIDs lists up to n ids of recordings of a stream, ascending, from the first one
// after an id.
func (db *DB) RecordingIDs(ctx context.Context, stream moonfirefs.StreamID, after moonfirefs.RecordingID, n int) (ids []moonfirefs.RecordingID, err error) {
	rows, err := db.readers.QueryContext(ctx, `select id from recording where stream_id = ? and id > ? order by id limit ?`, stream, after, n)
	if err != nil {
		return nil, fmt.Errorf("list recordings of stream %d: %w", stream, asOurs(err))
	}
	err = each(rows, func() error {
		var id moonfirefs.RecordingID
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list recordings of stream %d: %w", stream, err)
	}
	return ids, nil
}

// RecordingsBetween counts the recordings of a stream with ids in [from, to), and sums up how
// far these are from the first: two sets of which both are the same are the same, in all
// probability.
func (db *DB) RecordingsBetween(ctx context.Context, stream moonfirefs.StreamID, from, to moonfirefs.RecordingID) (count, sum int64, err error) {
	err = db.readers.QueryRowContext(context.WithoutCancel(ctx), `select count(*), coalesce(sum(id - ?2), 0) from recording where stream_id = ?1 and id >= ?2 and id < ?3`, stream, from, to).Scan(&count, &sum)
	if err != nil {
		return 0, 0, fmt.Errorf("count recordings of stream %d: %w", stream, asOurs(err))
	}
	return count, sum, nil
}

// SetShadowZone makes the days that are packed those of a time zone, whose IANA name it is. What
// was packed in another zone goes; PackDays packs it again. Nobody else may use db meanwhile.
func (db *DB) SetShadowZone(ctx context.Context, zone string) error {
	if db.meta.TimeZone == zone {
		return nil
	}
	err := inTransaction(ctx, db.writer, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `delete from day_stretches`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `update meta set time_zone = ?`, zone)
		return err
	})
	if err != nil {
		return fmt.Errorf("set the time zone: %w", asOurs(err))
	}
	db.meta.TimeZone = zone
	return nil
}

// PackDays packs the days that are not packed, but for those of the oldest and of the newest
// recording of each stream.
func (db *DB) PackDays(ctx context.Context) error {
	if err := db.packAllDays(ctx); err != nil {
		return fmt.Errorf("pack days: %w", asOurs(err))
	}
	return nil
}
