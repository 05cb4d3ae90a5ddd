-- SPDX-License-Identifier: GPL-3.0-or-later

-- Version 3 has the SHA-256 of the sample files of new recordings.

create table sample_file_sha256 (
  recording_id integer primary key references recording (id),
  sha256 blob not null check (length(sha256) = 32)
) strict;

create trigger sample_file_sha256_deleted before delete on recording begin
  delete from sample_file_sha256 where recording_id = old.id;
end;
