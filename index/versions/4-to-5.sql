-- SPDX-License-Identifier: GPL-3.0-or-later

-- Version 5 has tiers: recordings move to another directory. Meanwhile, a file of the same
-- name is reserved in a second one.

create table tier (
  stream_id integer primary key references stream (id),
  sample_dir_id integer not null references sample_dir (id),
  after_90k integer not null check (after_90k >= 0),
  retain_bytes integer not null check (retain_bytes >= 0),
  last_recording_id integer not null default 0 check (last_recording_id >= 0),
  sample_file_bytes integer not null default 0 check (sample_file_bytes >= 0)
) strict;

drop trigger recording_changes;
drop trigger recording_changed;

create trigger recording_changes before update on recording when new.sample_dir_id = old.sample_dir_id begin
  insert into hour_summaries (id, stream_id, utc_hour)
  select hour_id, stream_id, utc_hour from recording_hour where recording_id = old.id
  on conflict do update set summaries = null where summaries is not null;
end;

create trigger recording_changed after update on recording when new.sample_dir_id = old.sample_dir_id begin
  insert into hour_summaries (id, stream_id, utc_hour)
  select hour_id, stream_id, utc_hour from recording_hour where recording_id = new.id
  on conflict do update set summaries = null where summaries is not null;
end;

create trigger recording_left_tier before delete on recording begin
  update tier set sample_file_bytes = sample_file_bytes - old.sample_file_bytes
   where stream_id = old.stream_id and last_recording_id >= old.id;
end;

create temp table reserved_before as select uuid, sample_dir_id, state from reserved_sample_files;
drop table reserved_sample_files;

create table reserved_sample_files (
  uuid blob not null check (length(uuid) = 16),
  sample_dir_id integer not null references sample_dir (id),
  state text not null check (state in ('writing', 'moving', 'deleted')),
  primary key (uuid, sample_dir_id)
) strict, without rowid;

insert into reserved_sample_files (uuid, sample_dir_id, state) select uuid, sample_dir_id, state from temp.reserved_before;
drop table temp.reserved_before;
