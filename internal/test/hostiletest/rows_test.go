// SPDX-License-Identifier: GPL-3.0-or-later

package hostiletest

import (
	"fmt"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// sql is a change of the index.
func sql(format string, args ...any) func(testing.TB, *scene) {
	return func(t testing.TB, s *scene) {
		t.Helper()
		teststore.Spoil(t, s.path, fmt.Sprintf(format, args...))
	}
}

// hostileDays gives each day of footage a row with stretches of that expression.
const hostileDays = `insert or replace into day_stretches
	select stream_id * 68719476736 + start_time_90k / 7776000000 * 24, start_time_90k / 7776000000 * 7776000000,
		(start_time_90k / 7776000000 + 1) * 7776000000, %s from recording`

// Triggers keep totals and summaries; without them, a row is changed alone.
const withoutTriggers = `
	create temp table kept_triggers as select name, sql from sqlite_schema where type = 'trigger';
	drop trigger recording_inserted; drop trigger recording_deleted; drop trigger recording_changes; drop trigger recording_changed;
	%s;
	pragma writable_schema = on;
	insert into sqlite_schema (type, name, tbl_name, rootpage, sql) select 'trigger', name, 'recording', 0, sql from kept_triggers
		where name not in (select name from sqlite_schema);
	pragma writable_schema = off`

// loosely changes a table whose columns take values of any type meanwhile.
func loosely(table, change string, args ...any) func(testing.TB, *scene) {
	return sql(`
	create temp table strict as select sql from sqlite_schema where name = '%[1]s';
	pragma writable_schema = on;
	update sqlite_schema set sql = replace(sql, ') strict', ')') where name = '%[1]s';
	pragma writable_schema = reset;
	%[2]s;
	pragma writable_schema = on;
	update sqlite_schema set sql = (select sql from strict) where name = '%[1]s';
	pragma writable_schema = reset`, table, fmt.Sprintf(change, args...))
}

// second is the second recording of the driveway in the hour of 13:00.
const second = "(select id from recording where stream_id = 1 order by start_time_90k limit 1 offset 6)"

func hour13(check string) expectation { return expectation{check: check, damaged: []string{"13.mp4"}} }

func wholeDriveway(check string) expectation {
	return expectation{check: check, damaged: []string{"12.mp4", "13.mp4", "14.mp4"}}
}

// rowChanges are values in the index that no recorder writes.
var rowChanges = map[string]change{
	"nothing":                    {sql("select 1"), expectation{}},
	"the last start":             {sql("update recording set start_time_90k = 9223372036854775807 where id = %s", second), expectation{check: "its start"}},
	"the first start":            {sql("update recording set start_time_90k = -9223372036854775808 where id = %s", second), expectation{check: "its start"}},
	"a start in the year 100000": {sql("update recording set start_time_90k = 90000 * 3093527980800 where id = %s", second), expectation{check: "its start"}},
	"starts at both ends": {sql(`update recording set start_time_90k = 9223372036854775807 - id where stream_id = 1 and id %% 3 = 0;
		update recording set start_time_90k = -9223372036854775807 + id where stream_id = 1 and id %% 3 = 1`), expectation{check: "its start", missing: true}},
	"all starts at the end": {sql("update recording set start_time_90k = 9223372036854775000 where stream_id = 1"), expectation{check: "its start", missing: true}},
	"the newest in the future": {sql(`update recording set start_time_90k = 90000 * 253402214399 where id = (select max(id) from recording where stream_id = 1)`),
		expectation{check: "", missing: true}},
	"a duration of a thousand years": {sql("update recording set duration_90k = 1 << 55 where id = %s", second), hour13("its duration")},
	"a negative duration":            {sql("update recording set duration_90k = -1 where id = %s", second), hour13("its duration")},
	"durations that overflow":        {sql("update recording set duration_90k = 1 << 62 where stream_id = 1"), wholeDriveway("its duration")},
	"samples by the trillion":        {sql("update recording set video_samples = 1 << 40 where id = %s", second), hour13("video_samples")},
	"samples by the million":         {sql("update recording set video_samples = 5000000 where id = %s", second), hour13("samples")},
	"no samples":                     {sql("update recording set video_samples = 0, video_sync_samples = 0 where id = %s", second), hour13("samples")},
	"sizes that overflow":            {sql("update recording set sample_file_bytes = 1 << 62 where stream_id = 1"), wholeDriveway("its sample file")},
	// The hour of 13:00 is packed, and read from its summaries.
	"sizes that overflow, alone": {sql(withoutTriggers, "update recording set sample_file_bytes = 1 << 62 where stream_id = 1"),
		expectation{check: "its sample file", damaged: []string{"12.mp4", "14.mp4"}}},
	"audio that is not there":         {sql("update recording set flags = 8, audio_samples = 1000000, audio_chunks = 1, audio_bytes = 1000000, audio_duration_90k = 2000000, audio_sample_entry_id = 9 where id = %s", second), expectation{check: "audio", damaged: []string{"13.mp4"}}},
	"flags of another world":          {sql("update recording set flags = 1 << 40 where id = %s", second), hour13("flags")},
	"a digest of a byte":              {sql("update recording set sample_file_sha1 = x'00' where id = %s", second), expectation{check: "its SHA-1"}},
	"a name of a byte":                {sql("update recording set sample_file_uuid = x'00' where id = %s", second), hour13("UUID")},
	"a directory that is not there":   {sql("update recording set sample_dir_id = 77 where id = %s", second), hour13("does not exist")},
	"a stream that is not there":      {sql("update recording set stream_id = 77 where id = %s", second), expectation{check: "does not exist"}},
	"a configuration that is missing": {sql("update recording set video_sample_entry_id = 77 where id = %s", second), expectation{check: "does not exist", missing: true}},
	"negative ids":                    {sql("update recording set id = -id where stream_id = 1"), expectation{check: "its id", missing: true}},
	"the last id":                     {sql("update sample_file_sha256 set recording_id = 9223372036854775807 where recording_id = %[1]s; update recording set id = 9223372036854775807 where id = %[1]s", second), expectation{check: "", missing: true}},
	"no ids are left":                 {sql("update sqlite_sequence set seq = 9223372036854775807 where name = 'recording'"), expectation{check: "none are left"}},
	"an index of 100 MB":              {sql("update recording set video_index = zeroblob(100000000) where id = %s", second), hour13("video index has 100000000 bytes")},
	"indexes of 50 MB":                {sql("update recording set video_index = zeroblob(50000000) where stream_id = 1"), wholeDriveway("video index has 50000000 bytes")},
	"an audio index of 100 MB":        {sql("update recording set audio_index = zeroblob(100000000) where id = %s", second), hour13("audio index has 100000000 bytes")},
	"an index of nothing":             {sql("update recording set video_index = x'' where id = %s", second), hour13("video index")},
	"an index of garbage":             {sql("update recording set video_index = randomblob(10000) where id = %s", second), hour13("video index")},
	"a configuration of 100 MB": {sql(`insert into video_sample_entry values (9, zeroblob(20), 640, 360, 1, 1, 'avc1', zeroblob(100000000));
		update recording set video_sample_entry_id = 9 where stream_id = 1`), wholeDriveway("video_sample_entry")},
	"a configuration of many pixels": {sql(`insert into video_sample_entry values (9, zeroblob(20), 1 << 40, 360, 1, 1, 'avc1', zeroblob(100));
		update recording set video_sample_entry_id = 9 where stream_id = 1`), wholeDriveway("video_sample_entry")},
	"a codec with a name of two lines": {sql(`insert into video_sample_entry select 9, zeroblob(20), 640, 360, 1, 1, 'avc1' || char(10) || 'x', data from video_sample_entry limit 1;
		update recording set video_sample_entry_id = 9 where stream_id = 1`), wholeDriveway("video_sample_entry")},
	"an orchestra": {sql(`insert into audio_sample_entry values (9, zeroblob(20), 4000000000, 65535, 65535, 'alaw', x'00000009616c617701');
		update recording set flags = 8, audio_samples = 1, audio_chunks = 1, audio_bytes = 1, audio_duration_90k = 1, audio_sample_entry_id = 9, audio_index = x'05010202' where stream_id = 1`), wholeDriveway("audio_sample_entry")},
	"summaries of garbage":           {sql("update hour_summaries set summaries = randomblob(1000) where stream_id = 1"), expectation{check: "summaries"}},
	"summaries of 100 MB":            {sql("update hour_summaries set summaries = zeroblob(100000000) where stream_id = 1"), expectation{check: "summaries"}},
	"summaries of nowhere":           {sql("update hour_summaries set utc_hour = 1 << 62 where stream_id = 1"), expectation{check: "hour_summaries"}},
	"days of garbage":                {sql(hostileDays, "randomblob(1000)"), expectation{check: "stretches"}},
	"days of 100 MB":                 {sql(hostileDays, "zeroblob(100000000)"), expectation{check: "stretches"}},
	"days that do not end":           {sql(hostileDays+"; update day_stretches set start_time_90k = -1 << 63, end_time_90k = 9223372036854775807", "x''"), expectation{check: "stretches"}},
	"days of other streams":          {sql(hostileDays+"; update day_stretches set id = id + (1000 << 36)", "x''"), expectation{check: "stretches"}},
	"no summaries":                   {sql("delete from hour_summaries where stream_id = 1"), expectation{check: "summaries", missing: true}},
	"a quota of nothing":             {sql("update stream set retain_bytes = -1 where id = 1"), expectation{check: "its quota", missing: true}},
	"a stream of another kind":       {sql("update stream set kind = 'side' where id = 1"), expectation{check: "kind", missing: true}},
	"a stream with a large id":       {sql("update stream set id = 1 << 50 where id = 1"), expectation{check: "its id", missing: true}},
	"a camera with a UUID of a byte": {sql("update camera set uuid = x'00' where id = 1"), expectation{check: "UUID", missing: true}},
	"a camera without streams":       {sql("delete from stream where camera_id = 1"), expectation{check: "no stream", missing: true}},
	"totals that overflow":           {sql("update stream set sample_file_bytes = 9223372036854775807, duration_90k = 9223372036854775807 where id = 1"), expectation{check: "stream 1 says"}},
	"an opening without UUID":        {sql("update open set uuid = x''"), expectation{check: "open", missing: true}},
	"a mark of never":                {sql("insert into trimmed_quarter values (1, 9223372036854775807), (1, -9223372036854775808)"), expectation{check: "trimmed_quarter"}},
	"kept for ever":                  {sql("update kept set start_time_90k = -9223372036854775808, end_time_90k = 9223372036854775807 where id = 1"), expectation{check: "kept"}},
	"kept for a century":             {sql("update kept set end_time_90k = start_time_90k + 90000 * 3155760000 where id = 1"), expectation{check: "kept"}},
	"deleted backwards":              {sql("insert into deletion values (1, 1, 'driveway', 9, 1, 5, 1, 'me', 1, 0, 0)"), expectation{check: "deletion"}},
	"deleted for ever":               {sql("insert into deletion values (1, 1, 'driveway', -9223372036854775808, 9223372036854775807, 5, 1, 'me', 1, 0, 0)"), expectation{check: "deletion"}},
	"a reserved name of a byte":      {sql("insert into reserved_sample_files values (x'00', 1, 'writing')"), expectation{check: "reserved"}},
	"a zone that does not exist":     {sql("update meta set time_zone = '../../etc/passwd'"), expectation{check: "zone", unopened: true}},
	"a zone of 100 MB":               {sql("update meta set time_zone = printf('%%.50000000c', 'x')"), expectation{check: "zone", unopened: true}},
	"made before all time":           {sql("update meta set created_time_90k = -9223372036854775808"), expectation{check: ""}},
	"made after all time":            {sql("update meta set created_time_90k = 9223372036854775807"), expectation{check: ""}},
	"a trigger":                      {sql("create trigger _x after insert on kept begin delete from camera; end"), expectation{check: "not ours", unopened: true}},
	"a trigger of a wildcard":        {sql("create trigger sqliteXx after insert on kept begin delete from camera; end"), expectation{check: "not ours", unopened: true}},
	"a view":                         {sql("create view sqlite1 as select * from camera"), expectation{check: "not ours", unopened: true}},
	"statistics":                     {sql("analyze"), expectation{}},
	"a start that is text":           {loosely("recording", "update recording set start_time_90k = 'abc' where id = %s", second), expectation{check: "non-INTEGER", missing: true}},
	"an endless duration":            {loosely("recording", "update recording set duration_90k = 9e999 where id = %s", second), hour13("non-INTEGER")},
	"a size that is a blob":          {loosely("recording", "update recording set sample_file_bytes = x'00' where id = %s", second), hour13("non-INTEGER")},
	"an index that is text":          {loosely("recording", "update recording set video_index = 'abc' where id = %s", second), hour13("non-BLOB")},
	"an opening called text":         {loosely("open", "update open set uuid = 'text'"), expectation{check: "open", missing: true}},
	"two stores in one":              {sql("pragma ignore_check_constraints = on; insert into meta select 2, zeroblob(16), 0, time_zone from meta"), expectation{check: "2 rows", unopened: true}},
	"no directories":                 {sql("delete from sample_dir"), expectation{check: "no sample directory", unopened: true}},
}
