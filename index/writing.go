// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// maxWriting bounds the names that Writing returns: thousands of streams have fewer.
const maxWriting = 1 << 14

// writingSQL passes over names that recordings have as well, which must not be.
var writingSQL = fmt.Sprintf(`
select uuid, sample_dir_id from reserved_sample_files
 where state = 'writing' and not exists (select 1 from recording where sample_file_uuid = uuid)
 order by uuid limit %d`, maxWriting)

// Writing names the sample files that may be being written, in the order in which their
// names were reserved: those of recordings that are not committed, and of such as have
// not begun. All are of one moment; a name that is committed never comes back.
func (db *DB) Writing(ctx context.Context) (files []moonfirefs.SampleFile, err error) {
	rows, err := db.readers.QueryContext(ctx, writingSQL)
	if err != nil {
		return nil, fmt.Errorf("list sample files that are being written: %w", asOurs(err))
	}
	err = each(rows, func() error {
		var file moonfirefs.SampleFile
		if err := rows.Scan(&file.UUID, &file.Dir); err != nil {
			return err
		}
		files = append(files, file)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list sample files that are being written: %w", err)
	}
	return files, nil
}
