// SPDX-License-Identifier: GPL-3.0-or-later

package nvrstore

import (
	"os"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// Fill is footage by the thousand or the million: recordings of a minute, one after another.
type Fill struct {
	Start90k moonfirefs.Time90k
	Minutes  int
	// FileBytes is the size of each sample file, in which there is nothing but a hole. 0 means
	// that there are none, but the rows say something.
	FileBytes int64
}

const (
	fillSamples = 60
	// absentBytes is what rows say of files that are not there.
	absentBytes = 15_000_000
	minute90k   = 60 * moonfirefs.UnitsPerSecond
)

// Fill adds recordings to an empty stream of a store of version 6 or 7, in one transaction.
func (s *Store) Fill(st *Stream, m *teststore.Media, f Fill) {
	s.tb.Helper()
	sizeBytes := f.FileBytes
	if sizeBytes == 0 {
		sizeBytes = absentBytes
	}
	var index moonfirefs.VideoIndexEncoder
	for i, left := int64(0), sizeBytes; i < fillSamples; i++ {
		bytes := left / (fillSamples - i)
		left -= bytes
		index.Add(moonfirefs.Sample{Duration90k: minute90k / fillSamples, Bytes: int32(bytes), Sync: i%10 == 0})
	}
	if f.FileBytes > 0 {
		for n := range f.Minutes {
			file, err := os.OpenFile(s.file(st, st.next+int64(n)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			s.must(err)
			s.must(file.Truncate(sizeBytes))
			s.must(file.Close())
		}
		s.must(syncDir(s.Dirs[st.dir]))
	}
	entry := s.entry(s.Exec, m.Entry)
	s.Exec(`begin`)
	s.Exec(`with recursive n (i) as (select 0 union all select i + 1 from n where i + 1 < ?1)
		insert into recording (composite_id, open_id, stream_id, run_offset, flags, sample_file_bytes, start_time_90k,
			prev_media_duration_90k, prev_runs, wall_duration_90k, media_duration_delta_90k, video_samples, video_sync_samples, video_sample_entry_id)
		select ?2 + i, 1, ?3, i, 0, ?4, ?5 + i * ?6, 0, 0, ?6, 0, ?7, ?8, ?9 from n`,
		f.Minutes, st.row(st.next), st.ID, sizeBytes, f.Start90k, minute90k, index.Samples(), index.SyncSamples(), entry)
	s.Exec(`insert into recording_playback select composite_id, ? from recording where stream_id = ?`, index.Blob(), st.ID)
	s.Exec(`insert into recording_integrity select composite_id, null, null, null, null from recording where stream_id = ?`, st.ID)
	s.Exec(`commit`)
	st.next += int64(f.Minutes)
	st.run = f.Minutes - 1
	st.End90k = f.Start90k.Add(moonfirefs.Duration90k(f.Minutes) * minute90k)
}
