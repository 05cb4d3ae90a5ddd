// SPDX-License-Identifier: GPL-3.0-or-later

package hostiletest

// numbers is SQL of the numbers from 0.
const numbers = "with recursive n(value) as (values(0) union all select value + 1 from n where value < %d - 1) "

// crowds are rows in numbers that nobody has.
var crowds = map[string]change{
	"100 000 marks":           {sql(`insert into trimmed_quarter `+numbers+` select 1, value - 60000 from n`, 100_000), expectation{}},
	"100 000 scattered marks": {sql(`insert into trimmed_quarter `+numbers+` select 1, value * 9 - 60000 from n`, 100_000), expectation{}},
	"100 000 marks of never":  {sql(`insert into trimmed_quarter `+numbers+` select 1, (1 << 60) + value from n`, 100_000), expectation{check: "trimmed_quarter"}},
	"100 000 kept intervals": {sql(`insert into kept (stream_id, name, start_time_90k, end_time_90k, since_time_90k) `+numbers+`
		select 1, 'k' || value, 90000 * value, 90000 * (value + 600), 1 from n`, 100_000), expectation{}},
	"10 000 kept intervals of all footage": {sql(`insert into kept (stream_id, name, start_time_90k, end_time_90k, since_time_90k) `+numbers+`
		select 1, 'k' || value, r.start, r.start + 90000 * 3600 * 20, 1 from n, (select min(start_time_90k) as start from recording) r`, 10_000), expectation{}},
	"100 000 deletions": {sql(`insert into deletion `+numbers+`
		select value + 1, 1, 'driveway', 0, 1 << 60, 0, 1, 'me', 1, 0, 0 from n`, 100_000), expectation{}},
	"100 000 deletions to be carried out": {sql(`insert into deletion `+numbers+`
		select value + 1, 1, 'driveway', 0, 1 << 60, 0, 1, 'me', null, 0, 0 from n`, 100_000), expectation{}},
	"2000 cameras": {sql(`insert into camera `+numbers+` select value + 1000, randomblob(16), 'c' || value, '', 1, 0, '', '' from n;
		insert into stream (id, camera_id, kind, sample_dir_id, url, transport, retain_bytes)
			select id, id, 'main', 1, 'rtsp://x/', 'tcp', 1000 from camera where id >= 1000`, 2000), expectation{}},
	"20 000 cameras called paths": {sql(`insert into camera `+numbers+` select value + 1000, randomblob(16), '../' || value, '', 1, 0, '', '' from n;
		insert into stream (id, camera_id, kind, sample_dir_id, url, transport, retain_bytes)
			select id, id, 'main', 1, 'rtsp://x/', 'tcp', 1000 from camera where id >= 1000`, 20_000), expectation{check: "table camera"}},
	"100 000 recordings in an hour": {sql(`insert into recording
		(stream_id, open_id, run_offset, flags, start_time_90k, duration_90k, local_time_delta_90k, video_samples, video_sync_samples,
		 video_sample_entry_id, sample_dir_id, sample_file_bytes, sample_file_uuid, sample_file_sha1, video_index) `+numbers+`
		select stream_id, open_id, run_offset, flags, start_time_90k + value, duration_90k, local_time_delta_90k, video_samples, video_sync_samples,
		 video_sample_entry_id, sample_dir_id, sample_file_bytes, randomblob(16), sample_file_sha1, x'0102' from n cross join recording where id = `+second, 100_000),
		expectation{check: "missing", damaged: []string{"13.mp4"}}},
	"100 000 reserved names": {sql(`insert into reserved_sample_files `+numbers+` select randomblob(16), 1, 'writing' from n`, 100_000), expectation{check: "reserved"}},
	"100 000 openings":       {sql(`insert into open `+numbers+` select value + 1000, randomblob(16), 1, 2 from n`, 100_000), expectation{check: ""}},
}
