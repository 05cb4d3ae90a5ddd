// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// storedSQL takes the parameter ?4: whether the indexes are wanted.
var storedSQL = fmt.Sprintf(`
select id, stream_id, open_id, run_offset, flags, start_time_90k, duration_90k,
       local_time_delta_90k, video_samples, video_sync_samples, video_sample_entry_id,
       sample_dir_id, sample_file_bytes, sample_file_uuid, sample_file_sha1,
       (select sha256 from sample_file_sha256 where recording_id = recording.id),
       (select substr(blake3, 1, 33) from sample_file_blake3 where recording_id = recording.id),
       case when ?4 and octet_length(video_index) <= %[1]d then video_index end,
       case when ?4 and octet_length(audio_index) <= %[1]d then audio_index end,
       octet_length(video_index), coalesce(octet_length(audio_index), 0),
       audio_samples, audio_chunks, audio_bytes, audio_start_90k, audio_duration_90k,
       coalesce(audio_sample_entry_id, 0)
  from recording`, moonfirefs.MaxIndexBytes)

var (
	storedInDirSQL = storedSQL + ` where sample_dir_id = ?1 and id > ?2 order by id limit ?3`
	storedOneSQL   = storedSQL + ` where id = ?1 and ?2 < ?3`
)

// Stored is a recording as a check sees it.
type Stored struct {
	// Recording is without its indexes. What cannot be read is zero.
	moonfirefs.Recording
	// Problem says what is impossible about the row, or how the indexes contradict it; ""
	// if nothing is wrong.
	Problem string
}

// Stored returns up to n recordings whose files lie in dir, by id, from the first one
// after an id. Their indexes are compared with their rows if that is asked for; in
// memory, there is only one at a time.
func (db *DB) Stored(ctx context.Context, dir moonfirefs.SampleDirID, after moonfirefs.RecordingID, n int, indexes bool) (all []Stored, err error) {
	err = db.eachStored(ctx, dir, after, n, indexes, func(r *moonfirefs.Recording, problem string) {
		all = append(all, asStored(r, problem, indexes))
	})
	return all, err
}

func asStored(r *moonfirefs.Recording, problem string, indexes bool) Stored {
	if problem == "" && indexes {
		problem = r.IndexProblem()
	}
	r.VideoIndex, r.AudioIndex = nil, nil
	return Stored{*r, problem}
}

// Recordings returns up to n recordings whose files lie in dir, by id, from the
// first one after an id. Without videoIndexes, VideoIndex and AudioIndex are nil, and so
// are those that are too long. What cannot be read is zero.
func (db *DB) Recordings(ctx context.Context, dir moonfirefs.SampleDirID, after moonfirefs.RecordingID, n int, videoIndexes bool) (all []moonfirefs.Recording, err error) {
	err = db.eachStored(ctx, dir, after, n, videoIndexes, func(r *moonfirefs.Recording, _ string) {
		all = append(all, *cloned(r))
	})
	return all, err
}

// cloned gives a recording indexes of its own.
func cloned(r *moonfirefs.Recording) *moonfirefs.Recording {
	r.VideoIndex, r.AudioIndex = bytes.Clone(r.VideoIndex), bytes.Clone(r.AudioIndex)
	return r
}

// StoredOne is Stored for one recording. It returns an error that wraps
// moonfirefs.ErrNotFound if there is none.
func (db *DB) StoredOne(ctx context.Context, id moonfirefs.RecordingID, indexes bool) (s Stored, err error) {
	err = db.one(ctx, id, indexes, func(r *moonfirefs.Recording, problem string) { s = asStored(r, problem, indexes) })
	return s, err
}

// Recording is Recordings, with indexes, for one recording. It returns an error that
// wraps moonfirefs.ErrNotFound if there is none.
func (db *DB) Recording(ctx context.Context, id moonfirefs.RecordingID) (r *moonfirefs.Recording, err error) {
	err = db.one(ctx, id, true, func(found *moonfirefs.Recording, _ string) { r = cloned(found) })
	return r, err
}

// HasRecordingIn tells whether there is a recording whose file lies in dir: it may have moved.
func (db *DB) HasRecordingIn(ctx context.Context, id moonfirefs.RecordingID, dir moonfirefs.SampleDirID) (has bool, err error) {
	err = db.readers.QueryRowContext(ctx, `select exists (select 1 from recording where id = ? and sample_dir_id = ?)`, id, dir).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("look up recording %d: %w", id, asOurs(err))
	}
	return has, nil
}

// HasRecording tells whether there is a recording.
func (db *DB) HasRecording(ctx context.Context, id moonfirefs.RecordingID) (has bool, err error) {
	err = db.readers.QueryRowContext(ctx, `select exists (select 1 from recording where id = ?)`, id).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("look up recording %d: %w", id, asOurs(err))
	}
	return has, nil
}

func (db *DB) one(ctx context.Context, id moonfirefs.RecordingID, indexes bool, fn func(r *moonfirefs.Recording, problem string)) error {
	rows, err := db.readers.QueryContext(ctx, storedOneSQL, id, 0, 1, indexes)
	if err != nil {
		return fmt.Errorf("read recording %d: %w", id, asOurs(err))
	}
	found := false
	err = each(rows, func() error {
		var r moonfirefs.Recording
		fn(&r, scanStored(rows, &r, indexes))
		found = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("read recording %d: %w", id, err)
	}
	if !found {
		return moonfirefs.Errorf(moonfirefs.ErrNotFound, "recording %d is not in the index", id)
	}
	return nil
}

// eachStored calls fn for each of those recordings, and tells what is wrong with its row.
// The indexes are valid until fn returns.
func (db *DB) eachStored(ctx context.Context, dir moonfirefs.SampleDirID, after moonfirefs.RecordingID, n int, indexes bool, fn func(r *moonfirefs.Recording, problem string)) error {
	rows, err := db.readers.QueryContext(ctx, storedInDirSQL, dir, after, n, indexes)
	if err != nil {
		return fmt.Errorf("list recordings of sample directory %d: %w", dir, asOurs(err))
	}
	err = each(rows, func() error {
		var r moonfirefs.Recording
		problem := scanStored(rows, &r, indexes)
		// A damaged tree can yield a row for ever.
		if r.ID <= after {
			return fmt.Errorf("recording %d comes after %d: %w", r.ID, after, moonfirefs.ErrCorrupt)
		}
		after = r.ID
		fn(&r, problem)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list recordings of sample directory %d: %w", dir, err)
	}
	return nil
}

// scanStored reads a row of storedRecordingsSQL, and says what is impossible about it.
func scanStored(row scanner, r *moonfirefs.Recording, indexes bool) (problem string) {
	var sha1, sha256, blake3, video, audio sql.RawBytes
	var videoBytes, audioBytes int64
	err := row.Scan(&r.ID, &r.Stream, &r.Open, &r.RunOffset, &r.Flags, &r.Start90k, &r.Duration90k,
		&r.LocalTimeDelta90k, &r.VideoSamples, &r.VideoSyncSamples, &r.VideoSampleEntry,
		&r.SampleDir, &r.SampleFileBytes, (*uuidBlob)(&r.SampleFile), &sha1, &sha256, &blake3, &video, &audio, &videoBytes, &audioBytes,
		&r.Audio.Samples, &r.Audio.Chunks, &r.Audio.Bytes, &r.Audio.Start90k, &r.Audio.Duration90k,
		&r.Audio.SampleEntry)
	r.VideoIndex, r.AudioIndex = video, audio
	copy(r.SampleFileSHA1[:], sha1)
	copy(r.SampleFileSHA256[:], sha256)
	r.SampleFileBLAKE3 = bytes.Clone(blake3)
	return rowProblem(err, func() string {
		switch {
		case r.ID < 1:
			return "its id is not positive"
		case len(sha1) != len(r.SampleFileSHA1):
			return fmt.Sprintf("its SHA-1 has %d bytes", len(sha1))
		case sha256 != nil && len(sha256) != len(r.SampleFileSHA256):
			return fmt.Sprintf("its SHA-256 has %d bytes", len(sha256))
		case blake3 != nil && (len(blake3) < moonfirefs.MinBLAKE3Bytes || len(blake3) > moonfirefs.MaxBLAKE3Bytes):
			return fmt.Sprintf("its BLAKE3 has %d bytes", len(blake3))
		case indexes && int64(len(video)) != videoBytes:
			return fmt.Sprintf("its video index has %d bytes", videoBytes)
		case indexes && int64(len(audio)) != audioBytes:
			return fmt.Sprintf("its audio index has %d bytes", audioBytes)
		}
		return r.Problem()
	})
}
