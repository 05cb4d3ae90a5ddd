// SPDX-License-Identifier: GPL-3.0-or-later

package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// Recordings checks the named recordings and nothing else. It returns an error
// that wraps moonfirefs.ErrNotFound if there is no such recording.
func Recordings(ctx context.Context, s *store.Store, ids []moonfirefs.RecordingID, o Options) (*Report, error) {
	c := &checker{store: s, o: o, report: &Report{}}
	if err := c.named(ctx, ids); err != nil {
		return nil, fmt.Errorf("check recordings: %w", err)
	}
	return c.report, nil
}

func (c *checker) named(ctx context.Context, ids []moonfirefs.RecordingID) error {
	for _, id := range ids {
		s, err := c.store.DB.StoredOne(ctx, id, c.o.Index)
		if err != nil {
			return err
		}
		if err := c.recording(ctx, lookerOf(c.store.Dirs[s.SampleDir]), &s); err != nil {
			return err
		}
	}
	return nil
}

// Files checks the named sample files and nothing else: whether they belong to a
// recording. It returns an error that wraps fs.ErrNotExist if one is in none of
// the directories.
func Files(ctx context.Context, s *store.Store, names []uuid.UUID) (*Report, error) {
	c := &checker{store: s, report: &Report{}}
	for _, name := range names {
		if err := c.file(ctx, name); err != nil {
			return nil, fmt.Errorf("check sample file %s: %w", name, err)
		}
	}
	return c.report, nil
}

func (c *checker) file(ctx context.Context, name uuid.UUID) error {
	found := false
	for id, dir := range c.store.Dirs {
		if _, err := dir.Stat(name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		found = true
		if err := c.batch(ctx, id, dir, []uuid.UUID{name}); err != nil {
			return err
		}
	}
	if !found {
		return fs.ErrNotExist
	}
	return nil
}
