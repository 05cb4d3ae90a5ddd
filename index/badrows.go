// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"crypto/sha1"
	"database/sql"
	"fmt"
	"math"

	"github.com/moonfirefs/moonfirefs"
)

// maxBadRows bounds what BadRows reports.
const maxBadRows = 1000

// BadRows lists the rows of all tables but that of recordings which no program of ours
// can have written: those that are left out of listings, and others of which something
// cannot be shown or used. There are more if it returns maxBadRows.
func (db *DB) BadRows(ctx context.Context) (all []BadRow, err error) {
	bad := func(row BadRow) {
		if len(all) < maxBadRows {
			all = append(all, row)
		}
	}
	// One transaction, so that what comes and goes meanwhile is no problem.
	err = inTransaction(ctx, db.readers, func(tx *sql.Tx) error {
		for _, find := range []func(context.Context, querier, func(BadRow)) error{
			badDirs, badCameras, badTiers, badTrimmed, badKept, badDeletions, badEntries, badOthers,
		} {
			if err := find(ctx, tx, bad); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("check rows: %w", asOurs(err))
	}
	return all, nil
}

func badDirs(ctx context.Context, db querier, bad func(BadRow)) error {
	_, err := sampleDirs(ctx, db, bad)
	return err
}

func badTiers(ctx context.Context, db querier, bad func(BadRow)) error {
	_, err := listTiers(ctx, db, bad)
	return err
}

func badTrimmed(ctx context.Context, db querier, bad func(BadRow)) error {
	_, err := trimmed(ctx, db, bad)
	return err
}

func badDeletions(ctx context.Context, db querier, bad func(BadRow)) error {
	_, err := listDeletions(ctx, db, math.MinInt64, math.MaxInt64, bad)
	return err
}

// badCameras tells also of those that the mount cannot show under their names.
func badCameras(ctx context.Context, db querier, bad func(BadRow)) error {
	cameras, err := listCameras(ctx, db, bad)
	folders := make(map[string]bool)
	for i := range cameras {
		c := &cameras[i]
		if problem := moonfirefs.StoredNameProblem(c.ShortName); problem != "" {
			bad(BadRow{"camera", int64(c.ID), problem})
			continue
		}
		for j := range c.Streams {
			folder := c.Streams[j].FolderName(c)
			if folders[folder] {
				bad(BadRow{"stream", int64(c.Streams[j].ID), fmt.Sprintf("another one is shown as %q", folder)})
			}
			folders[folder] = true
		}
	}
	return err
}

// badKept is badCameras for what is kept.
func badKept(ctx context.Context, db querier, bad func(BadRow)) error {
	kept, err := listKept(ctx, db, bad)
	for i := range kept {
		if problem := moonfirefs.StoredNameProblem(kept[i].Name); problem != "" {
			bad(BadRow{"kept", int64(kept[i].ID), problem})
		}
	}
	return err
}

// badEntries tells also of configurations that differ from their digest.
func badEntries(ctx context.Context, db querier, bad func(BadRow)) error {
	err := listRows(ctx, db, videoEntriesSQL+` order by id`, func(row scanner) (id int64, problem string) {
		var e moonfirefs.VideoSampleEntry
		if problem = scanVideoEntry(row, &e); problem == "" && sha1.Sum(e.Data) != e.SHA1 {
			problem = "it differs from its digest"
		}
		return int64(e.ID), problem
	}, bad, "video_sample_entry")
	if err != nil {
		return err
	}
	return listRows(ctx, db, audioEntriesSQL+` order by id`, func(row scanner) (id int64, problem string) {
		var e moonfirefs.AudioSampleEntry
		if problem = scanAudioEntry(row, &e); problem == "" && sha1.Sum(e.Data) != e.SHA1 {
			problem = "it differs from its digest"
		}
		return int64(e.ID), problem
	}, bad, "audio_sample_entry")
}

// oddRows are rows that are told of although listings need not leave them out: queries of
// an id and a problem.
var oddRows = map[string]string{
	"camera": fmt.Sprintf(`
		select id, 'its description has ' || octet_length(description) || ' bytes' from camera where octet_length(description) > %d
		 union all
		select id, 'it has no stream' from camera c where not exists (select 1 from stream s where s.camera_id = c.id)`, maxTextBytes),
	"open": `select id, 'its UUID has ' || octet_length(uuid) || ' bytes' from open where octet_length(uuid) <> 16 or typeof(uuid) <> 'blob'`,
	"hour_summaries": `
		select id, 'its id is not that of its stream and hour' from hour_summaries where id <> stream_id * 68719476736 + utc_hour`,
	"reserved_sample_files": `
		select 0, 'its UUID has ' || octet_length(uuid) || ' bytes' from reserved_sample_files where octet_length(uuid) <> 16 or typeof(uuid) <> 'blob'
		 union all
		select 0, 'its state does not exist' from reserved_sample_files where state not in ('writing', 'moving', 'deleted')`,
	"sqlite_sequence": fmt.Sprintf(`
		select 0, 'table ' || substr(name, 1, 100) || ' has given so many ids that none are left' from sqlite_sequence
		 where octet_length(name) < %d and (typeof(seq) <> 'integer' or seq > iif(name = 'stream', %d, %d))`, maxNameBytes, moonfirefs.MaxStreamID-1000, int64(math.MaxInt64/2)),
}

func badOthers(ctx context.Context, db querier, bad func(BadRow)) error {
	for _, table := range []string{"camera", "open", "hour_summaries", "reserved_sample_files", "sqlite_sequence"} {
		err := listRows(ctx, db, fmt.Sprintf("select * from (%s) limit %d", oddRows[table], maxBadRows), func(row scanner) (id int64, problem string) {
			return id, rowProblem(row.Scan(&id, &problem), func() string { return problem })
		}, bad, table)
		if err != nil {
			return err
		}
	}
	return nil
}
