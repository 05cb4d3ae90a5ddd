// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events"
	"github.com/moonfirefs/moonfirefs/internal/check"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/previews"
)

// The remedies for databases beside the index.
const (
	remedyEvents   = "to begin with none: move events.db* away; to have those of a backup again, see docs/index-backup.md"
	remedyPreviews = "delete previews.db*: pictures are made anew"
	remedyOrphaned = "the next run of the recorder deletes them; or delete previews.db*"
)

// checkRooms adds to a report what is wrong with the databases of optional rooms, as far as there
// are any.
func checkRooms(ctx context.Context, report *check.Report, s *store.Store, path string) error {
	id := s.DB.Meta().Store
	problems, err := events.Problems(ctx, eventsPath(path), id)
	if err != nil && !errors.Is(err, moonfirefs.ErrNotFound) {
		return fmt.Errorf("check: %w", err)
	}
	for _, problem := range problems {
		report.Add(check.Finding{Kind: check.Events, Text: "events.db: " + problem, Remedy: remedyEvents})
	}
	problems, orphans, err := previews.Problems(ctx, filepath.Join(path, previews.FileName), id, s.DB)
	if err != nil && !errors.Is(err, moonfirefs.ErrNotFound) {
		return fmt.Errorf("check: %w", err)
	}
	for _, problem := range problems {
		report.Add(check.Finding{Kind: check.Previews, Text: "previews.db: " + problem, Remedy: remedyPreviews})
	}
	if orphans > 0 {
		report.Add(check.Finding{Kind: check.Previews, Text: "previews.db has " + counted(orphans, "picture") + " of footage that is gone", Remedy: remedyOrphaned})
	}
	return nil
}
