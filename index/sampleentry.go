// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// entryCacheBytes bounds what is remembered of the configurations of video, and of
// those of audio: there are few, of some hundred bytes, unless somebody else has made
// them.
const entryCacheBytes = 4 << 20

// entryOverheadBytes is what one takes besides its box, roughly.
const entryOverheadBytes = 300

func videoEntryBytes(e *moonfirefs.VideoSampleEntry) int64 {
	return entryOverheadBytes + int64(len(e.Data))
}

func audioEntryBytes(e *moonfirefs.AudioSampleEntry) int64 {
	return entryOverheadBytes + int64(len(e.Data))
}

// What is too long is null, and not read.
var (
	videoEntriesSQL = fmt.Sprintf(`
select id, sha1, width, height, pixel_aspect_h, pixel_aspect_v, %s, %s from video_sample_entry`,
		bounded("rfc6381_codec", maxNameBytes), bounded("data", moonfirefs.MaxSampleEntryBytes))
	audioEntriesSQL = fmt.Sprintf(`
select id, sha1, sample_rate, channels, frame_samples, %s, %s from audio_sample_entry`,
		bounded("rfc6381_codec", maxNameBytes), bounded("data", moonfirefs.MaxSampleEntryBytes))
)

// scanVideoEntry reads a row of videoEntriesSQL, and says what is wrong with it, or "".
func scanVideoEntry(row scanner, e *moonfirefs.VideoSampleEntry) (problem string) {
	var sha1 []byte
	err := row.Scan(&e.ID, &sha1, &e.Width, &e.Height, &e.PixelAspectH, &e.PixelAspectV, &e.RFC6381Codec, &e.Data)
	copy(e.SHA1[:], sha1)
	return rowProblem(err, e.Problem)
}

// scanAudioEntry is scanVideoEntry for audioEntriesSQL.
func scanAudioEntry(row scanner, e *moonfirefs.AudioSampleEntry) (problem string) {
	var sha1 []byte
	err := row.Scan(&e.ID, &sha1, &e.SampleRate, &e.Channels, &e.FrameSamples, &e.RFC6381Codec, &e.Data)
	copy(e.SHA1[:], sha1)
	return rowProblem(err, e.Problem)
}

// VideoSampleEntry returns a codec configuration, which the caller must not
// change.
func (db *DB) VideoSampleEntry(ctx context.Context, id moonfirefs.VideoSampleEntryID) (*moonfirefs.VideoSampleEntry, error) {
	return db.videoEntries.Load(id, func() (*moonfirefs.VideoSampleEntry, error) {
		e := new(moonfirefs.VideoSampleEntry)
		err := readRow(context.WithoutCancel(ctx), db.readers, videoEntriesSQL+" where id = ?", id, func(row scanner) string { return scanVideoEntry(row, e) })
		if err != nil {
			return nil, fmt.Errorf("read video sample entry %d: %w", id, err)
		}
		return e, nil
	})
}

// AudioSampleEntry returns a configuration of audio, which the caller must not
// change.
func (db *DB) AudioSampleEntry(ctx context.Context, id moonfirefs.AudioSampleEntryID) (*moonfirefs.AudioSampleEntry, error) {
	return db.audioEntries.Load(id, func() (*moonfirefs.AudioSampleEntry, error) {
		e := new(moonfirefs.AudioSampleEntry)
		err := readRow(context.WithoutCancel(ctx), db.readers, audioEntriesSQL+" where id = ?", id, func(row scanner) string { return scanAudioEntry(row, e) })
		if err != nil {
			return nil, fmt.Errorf("read audio sample entry %d: %w", id, err)
		}
		return e, nil
	})
}
