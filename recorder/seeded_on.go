// SPDX-License-Identifier: GPL-3.0-or-later

//go:build failpoints

package recorder

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
	"github.com/moonfirefs/moonfirefs/sample"
)

// seeded returns the database, or one with a seeded fault.
func seeded(db *index.DB, dir *sample.Dir) database {
	if failpoint.Seeded("unlink-before-commit") {
		return &unlinkFirstDB{DB: db, dir: dir}
	}
	return db
}

// unlinkFirstDB violates § Delete: it unlinks files (step 2) before the rows are gone
// (step 1). The crash harness must notice.
type unlinkFirstDB struct {
	*index.DB
	dir *sample.Dir
}

func (db *unlinkFirstDB) Commit(ctx context.Context, s *index.Change) (*index.Committed, error) {
	cameras, err := db.Cameras(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range cameras {
		for i := range c.Streams {
			if err := db.unlinkExcess(ctx, &c.Streams[i], s.Insert); err != nil {
				return nil, err
			}
		}
	}
	return db.DB.Commit(ctx, s)
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// unlinkExcess unlinks the files that the quota of a stream will have deleted.
func (db *unlinkFirstDB) unlinkExcess(ctx context.Context, stream *moonfirefs.Stream, fresh []*moonfirefs.Recording) error {
	excess := stream.SampleFileBytes - stream.RetainBytes
	for _, r := range fresh {
		if r.Stream == stream.ID {
			excess += r.SampleFileBytes
		}
	}
	var names []uuid.UUID
	err := db.EachSummary(ctx, stream.ID, moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(s *moonfirefs.Summary) error {
		if excess <= 0 {
			return errEnough
		}
		excess -= s.SampleFileBytes
		files, err := db.SampleFiles(ctx, []moonfirefs.RecordingID{s.ID})
		if err == nil {
			names = append(names, files[0].UUID)
		}
		return err
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	for _, name := range names {
		_ = db.dir.Unlink(name) // an earlier attempt may have succeeded
	}
	return nil
}
