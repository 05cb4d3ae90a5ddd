-- SPDX-License-Identifier: GPL-3.0-or-later

-- Version 6 has what is known of footage that was taken over from another recorder.

create table sample_file_blake3 (
  recording_id integer primary key references recording (id),
  blake3 blob not null check (length(blake3) between 16 and 32)
) strict;

create trigger sample_file_blake3_deleted before delete on recording begin
  delete from sample_file_blake3 where recording_id = old.id;
end;

create table imported_stream (
  stream_id integer primary key references stream (id),
  source_uuid blob not null check (length(source_uuid) = 16),
  source_stream_id integer not null,
  last_source_id integer not null default 0,
  unique (source_uuid, source_stream_id)
) strict;
