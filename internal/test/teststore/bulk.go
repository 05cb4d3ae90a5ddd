// SPDX-License-Identifier: GPL-3.0-or-later

package teststore

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// Bulk is footage by the million: rows as a recorder writes them, a minute each,
// around the clock unless Every says otherwise, of all streams in turn, and no sample files.
type Bulk struct {
	Start moonfirefs.Time90k
	// Minutes is how many recordings each stream gets.
	Minutes int
	// MinuteFrames is the number of frames of a recording. A row takes 3 bytes for each.
	MinuteFrames int
	// Every is how many minutes lie between the starts of recordings: with more than 1, there
	// is a gap after each. 0 means 1.
	Every int
}

const (
	minute90k = 60 * moonfirefs.UnitsPerSecond
	// bulkVariants is the number of different video indexes.
	bulkVariants = 64
	// bulkBytes is the mean size of a sample file.
	bulkBytes = 15_000_000
)

// Fill adds rows, whose sample files have names in the order of time, to a store that
// nobody has open and that was open for recording before. It needs the program sqlite3, which is ten times as fast as a
// transaction for each recording.
func Fill(ctx context.Context, path string, b Bulk) error {
	var problems bytes.Buffer
	cmd := exec.CommandContext(ctx, "sqlite3", "-batch", filepath.Join(path, "moonfire.db"))
	cmd.Stdin, cmd.Stderr = strings.NewReader(b.script()), &problems
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("fill store: sqlite3: %w: %s", err, bytes.TrimSpace(problems.Bytes()))
	}
	s, err := store.Open(ctx, path, store.Configuring, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if err := s.DB.PackSummaries(ctx); err != nil {
		_ = s.Close() // the first error says it
		return err
	}
	return s.Close()
}

// script is SQL that makes the rows.
func (b *Bulk) script() string {
	var s strings.Builder
	s.WriteString(`
.bail on
pragma journal_mode = delete; pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -400000;
begin;
create temp table variant (n integer primary key, samples, sync_samples, bytes, video_index);
`)
	random, step90k := rand.New(rand.NewPCG(1, 2)), max(b.Every, 1)*minute90k
	for n := range bulkVariants {
		e := b.variant(random)
		fmt.Fprintf(&s, "insert into variant values (%d, %d, %d, %d, x'%s');\n",
			n, e.Samples(), e.SyncSamples(), e.Bytes(), hex.EncodeToString(e.Blob()))
	}
	fmt.Fprintf(&s, `
insert or ignore into video_sample_entry (sha1, width, height, pixel_aspect_h, pixel_aspect_v, rfc6381_codec, data)
values (zeroblob(20), 1920, 1080, 1, 1, 'avc1.4d401e', x'0000000961766331ff');
insert into recording (
  stream_id, open_id, run_offset, flags, start_time_90k, duration_90k,
  local_time_delta_90k, video_samples, video_sync_samples,
  video_sample_entry_id, sample_dir_id, sample_file_bytes, sample_file_uuid,
  sample_file_sha1, video_index)
select s.id, (select max(id) from open), m.value, 0, %d + m.value * %d, %d,
       0, v.samples, v.sync_samples,
       (select max(id) from video_sample_entry), s.sample_dir_id, v.bytes,
       cast(printf('%%016x', (%d + m.value * %d) * 64 + s.id) as blob), randomblob(20), v.video_index
  from generate_series(0, %d) m cross join stream s cross join variant v
    on v.n = (m.value * 7 + s.id * 13) %% %d;
commit;
pragma journal_mode = wal;
`, b.Start, step90k, minute90k, b.Start, step90k, b.Minutes-1, bulkVariants)
	return s.String()
}

// variant is a video index whose durations vary as those of a camera do, and last
// a minute.
func (b *Bulk) variant(random *rand.Rand) *moonfirefs.VideoIndexEncoder {
	e := new(moonfirefs.VideoIndexEncoder)
	frames := b.MinuteFrames
	mean90k, meanBytes := minute90k/frames, bulkBytes/frames
	groupFrames := max(frames/30, 1) // two seconds
	for i := range frames {
		next90k := minute90k
		if i+1 < frames {
			next90k = (i+1)*mean90k + random.IntN(20)
		}
		sync := i%groupFrames == 0
		bytes := meanBytes/2 + random.IntN(meanBytes)
		if sync {
			bytes *= 8
		}
		e.Add(moonfirefs.Sample{Duration90k: int32(next90k - int(e.Duration90k())), Bytes: int32(bytes), Sync: sync})
	}
	return e
}
