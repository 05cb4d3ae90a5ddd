-- SPDX-License-Identifier: GPL-3.0-or-later

-- Version 2 calls what hours have lost trimmed, which version 1 called rotated, as it did
-- the cutting of recordings; and it rounds times down to hours in one place.

alter table rotated rename to trimmed_quarter;

drop trigger recording_inserted;
drop trigger recording_deleted;
drop trigger recording_updated;

create view recording_hour as
select recording_id, stream_id, utc_hour, stream_id * 68719476736 + utc_hour as hour_id
  from (select id as recording_id, stream_id,
               start_time_90k / 324000000 - (start_time_90k % 324000000 < 0) as utc_hour
          from recording);

create trigger recording_inserted after insert on recording begin
  update stream
     set sample_file_bytes = sample_file_bytes + new.sample_file_bytes,
         duration_90k = duration_90k + new.duration_90k
   where id = new.stream_id;
  insert into hour_summaries (id, stream_id, utc_hour)
  select hour_id, stream_id, utc_hour from recording_hour where recording_id = new.id
  on conflict do update set summaries = null where summaries is not null;
end;

create trigger recording_deleted before delete on recording begin
  update stream
     set sample_file_bytes = sample_file_bytes - old.sample_file_bytes,
         duration_90k = duration_90k - old.duration_90k
   where id = old.stream_id;
  insert into hour_summaries (id, stream_id, utc_hour)
  select hour_id, stream_id, utc_hour from recording_hour where recording_id = old.id
  on conflict do update set summaries = null where summaries is not null;
end;

create trigger recording_changes before update on recording begin
  insert into hour_summaries (id, stream_id, utc_hour)
  select hour_id, stream_id, utc_hour from recording_hour where recording_id = old.id
  on conflict do update set summaries = null where summaries is not null;
end;

create trigger recording_changed after update on recording begin
  insert into hour_summaries (id, stream_id, utc_hour)
  select hour_id, stream_id, utc_hour from recording_hour where recording_id = new.id
  on conflict do update set summaries = null where summaries is not null;
end;
