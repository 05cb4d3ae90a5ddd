// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/moonfirefs/moonfirefs"
)

// sampleFilesSQL takes a JSON array of ids: a statement for each would lock the
// database and look for changes sixty times for an hour.
const sampleFilesSQL = `
select r.id, r.sample_file_uuid, r.sample_dir_id
  from json_each(?) wanted cross join recording r on r.id = wanted.value`

// SampleFiles names the sample files of recordings, in parallel. It returns an
// error that wraps moonfirefs.ErrNotFound if one of the recordings is gone. The answer
// is of one state of the database.
func (db *DB) SampleFiles(ctx context.Context, ids []moonfirefs.RecordingID) ([]moonfirefs.SampleFile, error) {
	found := make(map[moonfirefs.RecordingID]moonfirefs.SampleFile, len(ids))
	rows, err := db.statements.sampleFiles.QueryContext(ctx, jsonArray(ids))
	if err != nil {
		return nil, fmt.Errorf("find sample files: %w", asOurs(err))
	}
	err = each(rows, func() error {
		var id moonfirefs.RecordingID
		var file moonfirefs.SampleFile
		if err := rows.Scan(&id, &file.UUID, &file.Dir); err != nil {
			return fmt.Errorf("of recording %d: %w: %w", id, moonfirefs.ErrCorrupt, err)
		}
		found[id] = file
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find sample files: %w", err)
	}
	files := make([]moonfirefs.SampleFile, len(ids))
	for i, id := range ids {
		file, ok := found[id]
		if !ok {
			return nil, fmt.Errorf("find sample file of recording %d: %w", id, moonfirefs.ErrNotFound)
		}
		files[i] = file
	}
	return files, nil
}

func jsonArray[T ~int64](ids []T) string {
	text, _ := json.Marshal(slices.Concat([]T{}, ids)) // numbers; never null
	return string(text)
}
