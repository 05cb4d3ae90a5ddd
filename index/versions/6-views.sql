-- SPDX-License-Identifier: GPL-3.0-or-later

-- What a reader of a database of version 6 needs to see one of the current version.

create temp view stream as select *, 0 as retain_marked_bytes from main.stream;

create temp view marked as
select null as recording_id, null as stream_id, null as sample_file_bytes where false;

create temp view day_stretches as
select null as id, null as start_time_90k, null as end_time_90k, null as stretches
 where false;
