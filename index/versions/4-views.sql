-- SPDX-License-Identifier: GPL-3.0-or-later

-- What a reader of a database of version 4 needs to see one of the current version.

create temp view stream as select *, 0 as retain_marked_bytes from main.stream;

create temp view tier as
select null as stream_id, null as sample_dir_id, null as after_90k, null as retain_bytes,
       null as last_recording_id, null as sample_file_bytes
 where false;

create temp view sample_file_blake3 as select null as recording_id, null as blake3 where false;

create temp view imported_stream as
select null as stream_id, null as source_uuid, null as source_stream_id, null as last_source_id
 where false;

create temp view marked as
select null as recording_id, null as stream_id, null as sample_file_bytes where false;

create temp view day_stretches as
select null as id, null as start_time_90k, null as end_time_90k, null as stretches
 where false;
