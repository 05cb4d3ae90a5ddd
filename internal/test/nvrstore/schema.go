// SPDX-License-Identifier: GPL-3.0-or-later

package nvrstore

import (
	"fmt"
	"strings"
)

// schema is what the tables of a version are. Columns that nothing reads are there all the same.
func schema(version int) string {
	common := []string{
		`create table version (id integer primary key, unix_time integer not null, notes text)`,
		`create table recording_playback (composite_id integer primary key references recording (composite_id),
		   video_index blob not null check (length(video_index) > 0))`,
		`create table garbage (sample_file_dir_id integer not null references sample_file_dir (id), composite_id integer not null,
		   primary key (sample_file_dir_id, composite_id)) without rowid`,
		fmt.Sprintf(`insert into version values (%d, 1700000000, 'test')`, version),
	}
	return strings.Join(append(common, ofVersion(version)...), ";\n")
}

const (
	openColumns = `id integer primary key, uuid blob unique not null check (length(uuid) = 16),
		start_time_90k integer, end_time_90k integer, duration_90k integer`
	recordingColumns = `composite_id integer primary key, open_id integer not null references open (id),
		stream_id integer not null references stream (id), run_offset integer not null, flags integer not null,
		sample_file_bytes integer not null check (sample_file_bytes > 0),
		start_time_90k integer not null check (start_time_90k > 0), %s
		video_samples integer not null check (video_samples > 0), video_sync_samples integer not null check (video_sync_samples > 0),
		video_sample_entry_id integer references video_sample_entry (id) %s, check (composite_id >> 32 = stream_id)`
	integrityColumns = `composite_id integer primary key references recording (composite_id), local_time_delta_90k integer,
		local_time_since_open_90k integer, wall_time_delta_90k integer`
	oldCamera = `create table camera (id integer primary key, uuid blob unique not null check (length(uuid) = 16), short_name text not null,
		description text, onvif_host text, username text, password text)`
	oldDir = `create table sample_file_dir (id integer primary key, path text unique not null,
		uuid blob unique not null check (length(uuid) = 16), last_complete_open_id integer references open (id))`
	oldStream = `create table stream (id integer primary key, camera_id integer not null references camera (id),
		sample_file_dir_id integer references sample_file_dir (id), type text not null check (type in ('main', 'sub')),
		record integer not null check (record in (1, 0)), rtsp_url text not null, retain_bytes integer not null check (retain_bytes >= 0),
		flush_if_sec integer not null, %s, unique (camera_id, type))`
	counts = `cum_recordings integer not null check (cum_recordings >= 0),
		cum_media_duration_90k integer not null check (cum_media_duration_90k >= 0), cum_runs integer not null check (cum_runs >= 0)`
	durations = `prev_media_duration_90k integer not null check (prev_media_duration_90k >= 0), prev_runs integer not null check (prev_runs >= 0),
		wall_duration_90k integer not null check (wall_duration_90k >= 0 and wall_duration_90k < 5*60*90000),
		media_duration_delta_90k integer not null,`
	entryColumns = `id integer primary key, %s width integer not null check (width > 0), height integer not null check (height > 0),
		rfc6381_codec text not null, data blob not null check (length(data) > 86) %s`
	aspect = `, pasp_h_spacing integer not null default 1 check (pasp_h_spacing > 0),
		pasp_v_spacing integer not null default 1 check (pasp_v_spacing > 0)`
)

// ofVersion are the tables that differ.
func ofVersion(version int) []string {
	switch version {
	case 5:
		return []string{
			`create table meta (uuid blob not null check (length(uuid) = 16), max_signal_changes integer)`,
			`create table open (` + openColumns + `)`, oldDir, oldCamera,
			fmt.Sprintf(oldStream, `next_recording_id integer not null check (next_recording_id >= 0)`),
			`create table recording (` + fmt.Sprintf(recordingColumns,
				`duration_90k integer not null check (duration_90k >= 0 and duration_90k < 5*60*90000),`, ``) + `)`,
			`create index recording_cover on recording (stream_id, start_time_90k, open_id, duration_90k, video_samples, video_sync_samples,
			   video_sample_entry_id, sample_file_bytes, run_offset, flags)`,
			`create table recording_integrity (` + integrityColumns + `, sample_file_sha1 blob check (length(sample_file_sha1) <= 20))`,
			`create table video_sample_entry (` + fmt.Sprintf(entryColumns, `sha1 blob unique not null check (length(sha1) = 20),`, ``) + `)`,
		}
	case 6:
		return append(newRecordings(``),
			`create table meta (uuid blob not null check (length(uuid) = 16), max_signal_changes integer)`,
			`create table open (`+openColumns+`)`, oldDir, oldCamera, fmt.Sprintf(oldStream, counts))
	}
	return append(newRecordings(`, end_reason text`),
		`create table meta (uuid blob not null check (length(uuid) = 16), config text)`,
		`create table open (`+openColumns+`, boot_uuid check (length(boot_uuid) = 16))`,
		`create table sample_file_dir (id integer primary key, uuid blob unique not null check (length(uuid) = 16), config text,
		   last_complete_open_id integer references open (id))`,
		`create table camera (id integer primary key, uuid blob unique not null check (length(uuid) = 16), short_name text not null, config text not null)`,
		`create table stream (id integer primary key, camera_id integer not null references camera (id),
		   sample_file_dir_id integer references sample_file_dir (id), type text not null check (type in ('main', 'sub', 'ext')),
		   config text not null, `+counts+`, unique (camera_id, type))`)
}

// newRecordings are the tables of recordings since version 6.
func newRecordings(end string) []string {
	return []string{
		`create table recording (` + fmt.Sprintf(recordingColumns, durations, end) + `)`,
		`create index recording_cover on recording (stream_id, start_time_90k, open_id, wall_duration_90k, media_duration_delta_90k,
		   video_samples, video_sync_samples, video_sample_entry_id, sample_file_bytes, run_offset, flags)`,
		`create table recording_integrity (` + integrityColumns + `, sample_file_blake3 blob check (length(sample_file_blake3) <= 32))`,
		`create table video_sample_entry (` + fmt.Sprintf(entryColumns, ``, aspect) + `)`,
	}
}
