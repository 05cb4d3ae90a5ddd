-- SPDX-License-Identifier: GPL-3.0-or-later

-- Version 8 has table day_stretches: what was recorded on each date, by a row for a day.

create table day_stretches (
  id integer primary key,
  start_time_90k integer not null,
  end_time_90k integer not null,
  stretches blob not null
) strict;

drop trigger recording_inserted;
drop trigger recording_deleted;
drop trigger recording_changes;
drop trigger recording_changed;

create trigger recording_inserted after insert on recording begin
  update stream
     set sample_file_bytes = sample_file_bytes + new.sample_file_bytes,
         duration_90k = duration_90k + new.duration_90k
   where id = new.stream_id;
  insert into hour_summaries (id, stream_id, utc_hour)
  select hour_id, stream_id, utc_hour from recording_hour where recording_id = new.id
  on conflict do update set summaries = null where summaries is not null;
  delete from day_stretches
   where id between (select hour_id - 26 from recording_hour where recording_id = new.id)
                and (select hour_id from recording_hour where recording_id = new.id)
     and start_time_90k <= new.start_time_90k and end_time_90k > new.start_time_90k;
end;

create trigger recording_deleted before delete on recording begin
  update stream
     set sample_file_bytes = sample_file_bytes - old.sample_file_bytes,
         duration_90k = duration_90k - old.duration_90k
   where id = old.stream_id;
  insert into hour_summaries (id, stream_id, utc_hour)
  select hour_id, stream_id, utc_hour from recording_hour where recording_id = old.id
  on conflict do update set summaries = null where summaries is not null;
  delete from day_stretches
   where id between (select hour_id - 26 from recording_hour where recording_id = old.id)
                and (select hour_id from recording_hour where recording_id = old.id)
     and start_time_90k <= old.start_time_90k and end_time_90k > old.start_time_90k;
end;

create trigger recording_changes before update on recording when new.sample_dir_id = old.sample_dir_id begin
  insert into hour_summaries (id, stream_id, utc_hour)
  select hour_id, stream_id, utc_hour from recording_hour where recording_id = old.id
  on conflict do update set summaries = null where summaries is not null;
  delete from day_stretches
   where id between (select hour_id - 26 from recording_hour where recording_id = old.id)
                and (select hour_id from recording_hour where recording_id = old.id)
     and start_time_90k <= old.start_time_90k and end_time_90k > old.start_time_90k;
end;

create trigger recording_changed after update on recording when new.sample_dir_id = old.sample_dir_id begin
  insert into hour_summaries (id, stream_id, utc_hour)
  select hour_id, stream_id, utc_hour from recording_hour where recording_id = new.id
  on conflict do update set summaries = null where summaries is not null;
  delete from day_stretches
   where id between (select hour_id - 26 from recording_hour where recording_id = new.id)
                and (select hour_id from recording_hour where recording_id = new.id)
     and start_time_90k <= new.start_time_90k and end_time_90k > new.start_time_90k;
end;
