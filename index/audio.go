// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"

	"github.com/moonfirefs/moonfirefs"
)

// audioColumns are those of a recording's row, in the order of insertRecordingSQL.
type audioColumns struct {
	*moonfirefs.Recording
	// entry is null if there is no audio.
	entry sql.Null[moonfirefs.AudioSampleEntryID]
}

func (c *audioColumns) values() []any {
	a := &c.Audio
	return []any{c.entry, a.Samples, a.Chunks, a.Bytes, a.Start90k, a.Duration90k, c.AudioIndex}
}

func storeAudioSampleEntry(ctx context.Context, tx *sql.Tx, e *moonfirefs.AudioSampleEntry) (id moonfirefs.AudioSampleEntryID, err error) {
	err = tx.QueryRowContext(ctx, `select id from audio_sample_entry where sha1 = ?`, e.SHA1[:]).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	err = tx.QueryRowContext(ctx, `
		insert into audio_sample_entry (sha1, sample_rate, channels, frame_samples, rfc6381_codec, data)
		values (?, ?, ?, ?, ?, ?) returning id`,
		e.SHA1[:], e.SampleRate, e.Channels, e.FrameSamples, e.RFC6381Codec, e.Data).Scan(&id)
	return id, err
}

// AudioIndex returns a recording's audio index, nil if it has no audio, through
// the cache of video indexes. What is said there holds here.
func (db *DB) AudioIndex(ctx context.Context, id moonfirefs.RecordingID) ([]byte, error) {
	blobs, err := db.indexes(ctx, id)
	return blobs.audio, err
}
