-- SPDX-License-Identifier: GPL-3.0-or-later

-- Version 7 has marked recordings, which outlive the others within a part of the quota.

alter table stream add column retain_marked_bytes integer not null default 0 check (retain_marked_bytes >= 0);

create table marked (
  recording_id integer primary key references recording (id),
  stream_id integer not null references stream (id),
  sample_file_bytes integer not null check (sample_file_bytes > 0)
) strict;

create index marked_order on marked (stream_id, recording_id, sample_file_bytes);

create trigger marked_deleted before delete on recording begin
  delete from marked where recording_id = old.id;
end;
