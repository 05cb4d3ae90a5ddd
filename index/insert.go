// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

const insertRecordingSQL = `
insert into recording (
  stream_id, open_id, run_offset, flags, start_time_90k, duration_90k,
  local_time_delta_90k, video_samples, video_sync_samples,
  video_sample_entry_id, sample_dir_id, sample_file_bytes, sample_file_uuid,
  sample_file_sha1, video_index, audio_sample_entry_id, audio_samples,
  audio_chunks, audio_bytes, audio_start_90k, audio_duration_90k, audio_index)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
returning id`

// insert replaces the reserved row of a new recording by its recording row.
func (t *transaction) insert(ctx context.Context, i int) error {
	r := t.Insert[i]
	err := t.tx.QueryRowContext(ctx, `select id, video_sample_entry_id, coalesce(audio_sample_entry_id, 0) from recording where sample_file_uuid = ?`, r.SampleFile[:]).
		Scan(&t.ids[i], &t.entryIDs[i], &t.audioIDs[i])
	if !errors.Is(err, sql.ErrNoRows) {
		return err // nil if it was stored already
	}
	result, err := t.tx.ExecContext(ctx, `delete from reserved_sample_files where uuid = ? and state = 'writing'`, r.SampleFile[:])
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, t.requireDeleted(ctx, r.SampleFile))
	}
	if t.entryIDs[i], err = storeSampleEntry(ctx, t.tx, t.SampleEntries[i]); err != nil {
		return err
	}
	audio := audioColumns{Recording: r}
	if r.Audio.Samples > 0 {
		if t.audioIDs[i], err = storeAudioSampleEntry(ctx, t.tx, t.AudioSampleEntries[i]); err != nil {
			return err
		}
		audio.entry = sql.Null[moonfirefs.AudioSampleEntryID]{V: t.audioIDs[i], Valid: true}
	}
	t.changed[streamHour{r.Stream, hourOf(r.Start90k)}] = true
	err = t.tx.QueryRowContext(ctx, insertRecordingSQL, append([]any{
		r.Stream, r.Open, r.RunOffset, r.Flags, r.Start90k, r.Duration90k,
		r.LocalTimeDelta90k, r.VideoSamples, r.VideoSyncSamples,
		t.entryIDs[i], r.SampleDir, r.SampleFileBytes, r.SampleFile[:],
		r.SampleFileSHA1[:], r.VideoIndex,
	}, audio.values()...)...).Scan(&t.ids[i])
	if err != nil {
		return err
	}
	return t.insertDigests(ctx, t.ids[i], r)
}

// insertDigests stores the digests that have tables of their own, as far as there are any.
func (t *transaction) insertDigests(ctx context.Context, id moonfirefs.RecordingID, r *moonfirefs.Recording) (err error) {
	if r.HasSHA256() {
		_, err = t.tx.ExecContext(ctx, `insert into sample_file_sha256 (recording_id, sha256) values (?, ?)`, id, r.SampleFileSHA256[:])
	}
	if err == nil && r.SampleFileBLAKE3 != nil {
		_, err = t.tx.ExecContext(ctx, `insert into sample_file_blake3 (recording_id, blake3) values (?, ?)`, id, r.SampleFileBLAKE3)
	}
	return err
}

// requireDeleted passes over a recording that was committed by an earlier Commit,
// and deleted at once.
func (t *transaction) requireDeleted(ctx context.Context, name uuid.UUID) error {
	var deleted bool
	err := t.tx.QueryRowContext(ctx, `select exists (select 1 from reserved_sample_files where uuid = ?)`, name[:]).Scan(&deleted)
	if err == nil && !deleted {
		err = errNotReserved
	}
	return err
}

func storeSampleEntry(ctx context.Context, tx *sql.Tx, e *moonfirefs.VideoSampleEntry) (id moonfirefs.VideoSampleEntryID, err error) {
	err = tx.QueryRowContext(ctx, `select id from video_sample_entry where sha1 = ?`, e.SHA1[:]).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	err = tx.QueryRowContext(ctx, `
		insert into video_sample_entry (sha1, width, height, pixel_aspect_h, pixel_aspect_v, rfc6381_codec, data)
		values (?, ?, ?, ?, ?, ?, ?) returning id`,
		e.SHA1[:], e.Width, e.Height, e.PixelAspectH, e.PixelAspectV, e.RFC6381Codec, e.Data).Scan(&id)
	return id, err
}
