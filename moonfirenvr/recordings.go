// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// recording is one of theirs.
type recording struct {
	moonfirefs.Recording
	// media90k is how long its samples last together; Duration90k is by the clock of their
	// machine.
	media90k moonfirefs.Duration90k
	// entry is the id of its video sample entry there.
	entry int64
	// digest is that of the sample file, perhaps of a part of it only; nil if there is none.
	digest []byte
}

// allRows is no bound on the number of rows.
const allRows = -1

// recordings calls fn for up to n of the recordings of a stream, from the first one after an
// id. What a row cannot say is a problem of fn.
func (s *source) recordings(ctx context.Context, st *stream, after moonfirefs.RecordingID, n int, fn func(*recording, error) error) error {
	durations, digest := `r.wall_duration_90k, r.wall_duration_90k + r.media_duration_delta_90k`, `i.sample_file_blake3`
	if s.version < 6 {
		durations, digest = `r.duration_90k, r.duration_90k`, `i.sample_file_sha1`
	}
	query := fmt.Sprintf(`
		select r.composite_id, r.open_id, r.run_offset, r.flags, r.sample_file_bytes, r.start_time_90k, %s,
		       r.video_samples, r.video_sync_samples, coalesce(r.video_sample_entry_id, 0), coalesce(i.local_time_delta_90k, 0), %s,
		       iif(octet_length(p.video_index) <= %d, p.video_index, null)
		  from recording r
		  left join recording_playback p on p.composite_id = r.composite_id
		  left join recording_integrity i on i.composite_id = r.composite_id
		 where r.composite_id > ? and r.composite_id < ? order by r.composite_id limit ?`, durations, digest, moonfirefs.MaxIndexBytes)
	err := s.each(ctx, query, func(row scanner) error {
		r := recording{Recording: moonfirefs.Recording{Stream: st.id, SampleDir: st.dir}}
		var flags int64
		var video, digest sql.RawBytes
		err := row.Scan(&r.ID, &r.Open, &r.RunOffset, &flags, &r.SampleFileBytes, &r.Start90k, &r.Duration90k, &r.media90k,
			&r.VideoSamples, &r.VideoSyncSamples, &r.entry, &r.LocalTimeDelta90k, &digest, &video)
		// Nothing else means anything.
		r.Flags = moonfirefs.RecordingFlags(flags) & moonfirefs.FlagTrailingZero
		r.VideoIndex, r.digest = append([]byte(nil), video...), append([]byte(nil), digest...)
		r.SampleFile = fileOf(r.ID)
		return fn(&r, err)
	}, max(after, firstID(st.id)-1), firstID(st.id+1), n)
	if err != nil {
		return fmt.Errorf("read the recordings of stream %d: %w", st.id, err)
	}
	return nil
}

// entries reads their video sample entries. One that cannot be used is left out, and told of.
func (s *source) entries(ctx context.Context, leaveOut func(what string, id int64, problem string)) (map[int64]*moonfirefs.VideoSampleEntry, error) {
	aspect := `pasp_h_spacing, pasp_v_spacing`
	if s.version < 6 {
		aspect = `1, 1`
	}
	all := make(map[int64]*moonfirefs.VideoSampleEntry)
	err := s.each(ctx, fmt.Sprintf(`select id, width, height, %s, rfc6381_codec, data from video_sample_entry where octet_length(data) <= %d`,
		aspect, moonfirefs.MaxSampleEntryBytes), func(row scanner) error {
		var id int64
		var e moonfirefs.VideoSampleEntry
		if err := row.Scan(&id, &e.Width, &e.Height, &e.PixelAspectH, &e.PixelAspectV, &e.RFC6381Codec, &e.Data); err != nil {
			leaveOut("video_sample_entry", id, err.Error())
			return nil
		}
		entry := moonfirefs.NewVideoSampleEntry(e.Data, e.Width, e.Height, e.PixelAspectH, e.PixelAspectV, e.RFC6381Codec)
		if problem := entry.Problem(); problem != "" {
			leaveOut("video_sample_entry", id, problem)
			return nil
		}
		all[id] = entry
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read table video_sample_entry: %w", err)
	}
	return all, nil
}

// prepare makes the recording one of ours, and returns its video sample entry, or nil and why
// it cannot be used. problem is what was wrong with its row, or nil.
func (r *recording) prepare(problem error, entries map[int64]*moonfirefs.VideoSampleEntry) (entry *moonfirefs.VideoSampleEntry, why string) {
	switch {
	case problem != nil:
		return nil, problem.Error()
	case entries[r.entry] == nil:
		return nil, fmt.Sprintf("its video sample entry %d is missing", r.entry)
	case r.VideoIndex == nil:
		return nil, "its video index is missing"
	}
	if why := r.toWall(); why != "" {
		return nil, why
	}
	return entries[r.entry], ""
}

// toWall makes the samples last as long as their machine's clock says, as ours do: since
// schema 6, the durations in their video index are the camera's, and the next recording of a
// run starts where this one ends by the machine's clock, up to 500 ppm away. The difference
// is spread over the samples. It returns what is wrong with the recording, or "".
func (r *recording) toWall() (problem string) {
	wall90k := r.Duration90k
	r.Duration90k = r.media90k
	if problem := r.Problem(); problem != "" {
		return problem
	}
	if problem := r.VideoIndexProblem(r.VideoIndex); problem != "" || wall90k == r.media90k {
		return problem
	}
	if wall90k < moonfirefs.Duration90k(r.VideoSamples) || wall90k >= moonfirefs.MaxRecordingDuration90k {
		return fmt.Sprintf("its duration, %d/90000 s, is not that of %d samples of %d/90000 s", wall90k, r.VideoSamples, r.media90k)
	}
	var e moonfirefs.VideoIndexEncoder
	var media90k, end90k int64
	d := moonfirefs.DecodeVideoIndex(r.VideoIndex, r.Flags)
	for left := int64(r.VideoSamples); d.Next(); {
		sample := d.Sample
		media90k += int64(sample.Duration90k)
		left--
		if sample.Duration90k > 0 {
			// Each of those that follow lasts for a while as well, but for the last one.
			latest := int64(wall90k) - left
			if r.Flags&moonfirefs.FlagTrailingZero != 0 && left > 0 {
				latest++
			}
			end := min(max(media90k*int64(wall90k)/int64(r.media90k), end90k+1), latest)
			sample.Duration90k, end90k = int32(end-end90k), end
		}
		e.Add(sample)
	}
	r.VideoIndex, r.Duration90k = e.Blob(), wall90k
	return r.VideoIndexProblem(r.VideoIndex)
}
