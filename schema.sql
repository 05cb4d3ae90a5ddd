-- SPDX-License-Identifier: GPL-3.0-or-later

-- The index of a moonfirefs store: which cameras there are, which recordings
-- exist, and in which sample file each recording's samples lie.
--
-- This file is the authority: a new database is made by running it, and
-- migrations (design/migrations.md) end in exactly this schema. Package index owns
-- every query.
--
-- Times named *_90k are in units of 1/90 000 s; absolute ones count from
-- 1970-01-01 00:00:00 UTC without leap seconds. UUIDs are blobs of 16 bytes,
-- SHA-1 digests blobs of 20.

pragma application_id = 0x4d466673; -- "MFfs"
pragma user_version = 8;

-- One row: what the store is.
create table meta (
  id integer primary key check (id = 1),

  -- Also in the file "meta" of each sample file directory, so that a directory
  -- of another store (a wrong or an unmounted disk) is refused.
  store_uuid blob not null check (length(store_uuid) = 16),

  created_time_90k integer not null,

  -- IANA name of the zone whose civil hours the files of the mount are. Kept
  -- here, since the bytes of an hour must not depend on the machine's setting.
  time_zone text not null
) strict;

-- A time that the store was open for writing, so that rows and files can be
-- dated to a run of the program.
create table open (
  id integer primary key autoincrement,
  uuid blob not null unique check (length(uuid) = 16),
  start_time_90k integer not null,
  -- Null while open, and for ever if the program did not shut down in order.
  end_time_90k integer check (end_time_90k >= start_time_90k or end_time_90k is null)
) strict;

-- A directory that holds sample files, usually one per disk.
create table sample_dir (
  id integer primary key,
  -- Also in the directory's file "meta".
  uuid blob not null unique check (length(uuid) = 16),
  -- Absolute, or relative to the directory of this database; or the URL of a directory in a
  -- bucket, https://HOST/BUCKET/PREFIX?credentials=PATH&region=NAME, without the key itself.
  path text not null unique
) strict;

create table camera (
  -- Never reused (autoincrement), as those of streams: a journal that a crash has left,
  -- or a folder that somebody is in, may be of a camera that is gone.
  id integer primary key autoincrement,
  uuid blob not null unique check (length(uuid) = 16),
  -- The name of the folder in the mount. Unique without regard to case, since
  -- Windows and macOS see the mount as well.
  short_name text not null unique collate nocase check (length(short_name) > 0),
  description text not null,
  -- Whether audio is recorded beside the video, if the camera sends any.
  record_audio integer not null default 1 check (record_audio in (0, 1)),
  -- 1: no longer recorded; its footage is still shown.
  retired integer not null default 0 check (retired in (0, 1)),
  -- For RTSP authentication; empty means none.
  username text not null,
  password text not null
) strict;

create table stream (
  id integer primary key autoincrement,
  camera_id integer not null references camera (id),
  kind text not null check (kind in ('main', 'sub')),

  -- Where new recordings of this stream go.
  sample_dir_id integer not null references sample_dir (id),

  -- rtsp:// or rtsps://, without user info.
  url text not null,
  transport text not null check (transport in ('tcp', 'udp')),

  -- The quota. Before new recordings are committed, the oldest ones that are not
  -- kept are deleted so that sample_file_bytes does not exceed it. If the kept ones
  -- leave less than a tenth of it, the others have that tenth.
  retain_bytes integer not null check (retain_bytes >= 0),

  -- Totals over the stream's recordings, kept by the triggers below, so that
  -- retention need not add up hundreds of thousands of rows for each transaction.
  sample_file_bytes integer not null default 0 check (sample_file_bytes >= 0),
  duration_90k integer not null default 0 check (duration_90k >= 0),

  -- Retention by time: recordings that ended longer ago are deleted as well, unless they
  -- are kept. 0: no limit.
  retain_for_90k integer not null default 0 check (retain_for_90k >= 0),

  -- The part of the quota that marked recordings may use for themselves; see table marked.
  retain_marked_bytes integer not null default 0 check (retain_marked_bytes >= 0),

  unique (camera_id, kind)
) strict;

-- The next place of a stream's footage, if it has one: recordings move there once they are
-- old enough (design/lifecycle.md, § Move).
create table tier (
  stream_id integer primary key references stream (id),
  -- Where recordings move to.
  sample_dir_id integer not null references sample_dir (id),
  -- How long after its end a recording moves.
  after_90k integer not null check (after_90k >= 0),
  -- The quota of this place; that of the stream is for the others.
  retain_bytes integer not null check (retain_bytes >= 0),
  -- The recordings of the stream up to this id belong to this place. They are the ones
  -- that have moved, in the order of their ids, and those that could not, since they are
  -- damaged.
  last_recording_id integer not null default 0 check (last_recording_id >= 0),
  -- The sum over those recordings, kept by trigger recording_left_tier.
  sample_file_bytes integer not null default 0 check (sample_file_bytes >= 0)
) strict;

-- Which quarters of an hour of UTC have lost a recording to retention, or because
-- somebody has deleted it. A civil hour, whatever its zone, is made of such
-- quarters; one that has lost something is not shown as if it were whole. Kept as
-- long as the stream has recordings from about then, or from earlier times that
-- nobody has asked to keep.
create table trimmed_quarter (
  stream_id integer not null references stream (id),
  -- Number of the quarter since 1970-01-01 00:00:00 UTC: time / (15*60*90000).
  quarter_hour integer not null,
  primary key (stream_id, quarter_hour)
) strict, without rowid;

-- Intervals of a stream that a person has asked to keep. Retention spares every
-- recording that overlaps one, also if it is committed later, and the mount shows
-- each interval as /saved/NAME.mp4.
create table kept (
  id integer primary key autoincrement,
  stream_id integer not null references stream (id),
  -- Without ".mp4". Unique without regard to case, as the names of cameras are.
  name text not null unique collate nocase check (length(name) > 0),
  start_time_90k integer not null,
  end_time_90k integer not null check (end_time_90k > start_time_90k), -- exclusive
  -- When that was asked for.
  since_time_90k integer not null
) strict;

-- Intervals of footage that a person has asked to delete: a request until whoever
-- may delete sample files has carried it out, and a line for the audit for ever.
create table deletion (
  id integer primary key autoincrement,
  -- Not a reference: the line outlives the camera.
  stream_id integer not null,
  -- The name of the stream's folder when that was asked for.
  folder text not null,
  -- The recordings that overlap [start, end) go, whole, up to this id: those that
  -- were committed when that was asked for.
  start_time_90k integer not null,
  end_time_90k integer not null check (end_time_90k > start_time_90k),
  last_recording_id integer not null,
  requested_time_90k integer not null,
  -- The user of the machine.
  requested_by text not null,
  -- Null until it has been carried out.
  done_time_90k integer,
  -- What has been deleted so far.
  recordings integer not null default 0 check (recordings >= 0),
  sample_file_bytes integer not null default 0 check (sample_file_bytes >= 0)
) strict;

create index deletion_pending on deletion (id) where done_time_90k is null;

-- Codec configurations. Shared by recordings, never changed, never deleted.
create table video_sample_entry (
  id integer primary key,
  sha1 blob not null unique check (length(sha1) = 20), -- of data
  -- In pixels, after cropping.
  width integer not null check (width > 0),
  height integer not null check (height > 0),
  -- The sides of a pixel, as in the "pasp" box; 1 and 1 if unknown.
  pixel_aspect_h integer not null check (pixel_aspect_h > 0),
  pixel_aspect_v integer not null check (pixel_aspect_v > 0),
  -- As in the "codecs" parameter of a MIME type (RFC 6381), e.g. avc1.4d401e.
  rfc6381_codec text not null,
  -- The serialized SampleEntry box (ISO 14496-12 §8.5.2), header included.
  data blob not null check (length(data) > 8)
) strict;

-- Configurations of audio, likewise.
create table audio_sample_entry (
  id integer primary key,
  sha1 blob not null unique check (length(sha1) = 20), -- of data
  -- In Hz; with spectral band replication, that of the core coder.
  sample_rate integer not null check (sample_rate > 0),
  channels integer not null check (channels > 0),
  -- PCM samples of each channel that a sample stands for; 0 if that follows from
  -- its size, as in G.711.
  frame_samples integer not null check (frame_samples >= 0),
  -- As for video, e.g. mp4a.40.2; G.711 is alaw or ulaw.
  rfc6381_codec text not null,
  -- The serialized AudioSampleEntry box (ISO 14496-12 §12.2.3), header included.
  data blob not null check (length(data) > 8)
) strict;

-- About a minute of one stream. A row promises that its sample file exists,
-- complete and durable. In flags, bit 1 says that the recording was salvaged: a
-- crash ended it (design/journal.md). Recordings of one run touch exactly, but
-- for what was not salvaged.
create table recording (
  -- Never reused (autoincrement), so that the mount's inode numbers, which are
  -- derived from it, are not either.
  id integer primary key autoincrement,
  stream_id integer not null references stream (id),
  open_id integer not null references open (id),

  -- 0 for the first recording of a run (a connection to the camera), counting
  -- up: recordings of one run touch exactly.
  run_offset integer not null check (run_offset >= 0),

  -- Bit 0: trailing zero, the last sample's duration is unknown, stored as 0.
  -- Bit 1: salvaged. Bit 2: reordered, the video index has composition offsets.
  -- Bit 3: it has audio. Bit 4: and its sample file ends with video nevertheless.
  flags integer not null,

  start_time_90k integer not null,
  -- Sum of the samples' durations, less than 5 minutes. 0 only if there is a
  -- single sample, with a trailing zero.
  duration_90k integer not null
    check (duration_90k >= 0 and duration_90k < 5*60*90000),

  -- How far this machine's clock was ahead of start_time_90k; 0 for the first
  -- recording of a run, which starts by this machine's clock.
  local_time_delta_90k integer not null,

  video_samples integer not null check (video_samples > 0),
  -- 0 only for a recording that was cut because no key frame came for minutes.
  video_sync_samples integer not null
    check (video_sync_samples between 0 and video_samples),
  video_sample_entry_id integer not null references video_sample_entry (id),

  -- Audio: null or 0 if there is none. Samples, and chunks of them, each behind
  -- some samples of the video; the sum of their sizes; when the first one begins,
  -- after start_time_90k; the sum of their durations. See design/audio.md.
  audio_sample_entry_id integer references audio_sample_entry (id),
  audio_samples integer not null default 0
    check (audio_samples >= 0 and (audio_samples > 0) = (audio_sample_entry_id is not null)
      and (audio_samples > 0) = (flags & 8 <> 0)),
  audio_chunks integer not null default 0
    check (audio_chunks between 0 and audio_samples and audio_chunks <= video_samples
      and (audio_chunks > 0) = (audio_samples > 0)),
  audio_bytes integer not null default 0 check (audio_bytes >= audio_samples),
  audio_start_90k integer not null default 0
    check (audio_start_90k >= 0 and audio_start_90k < 5*60*90000),
  audio_duration_90k integer not null default 0
    check (audio_duration_90k >= audio_samples and audio_duration_90k < 2*5*60*90000),

  -- The sample file: the samples one after another, NAL units with a length
  -- field of 4 bytes, chunks of audio in between, nothing else.
  sample_dir_id integer not null references sample_dir (id),
  sample_file_bytes integer not null check (sample_file_bytes > audio_bytes),
  sample_file_uuid blob not null unique check (length(sample_file_uuid) = 16),
  -- Zero if nobody has computed it: the recording was taken over from another recorder.
  sample_file_sha1 blob not null check (length(sample_file_sha1) = 20),

  -- Two or three varints per sample; see design/video-index.md. The indexes are last, since
  -- they are long and the other columns must not lie behind them on overflow pages.
  video_index blob not null check (length(video_index) > 0),
  -- See design/audio.md; null if there is no audio.
  audio_index blob check ((audio_index is not null) = (audio_samples > 0))
) strict;

-- The SHA-256 of the sample file, of each recording that version 3 or a later one has
-- made, or has read when it was taken over. It is not a column: it would lie behind the indexes, on an overflow page.
create table sample_file_sha256 (
  recording_id integer primary key references recording (id),
  sha256 blob not null check (length(sha256) = 32)
) strict;

create trigger sample_file_sha256_deleted before delete on recording begin
  delete from sample_file_sha256 where recording_id = old.id;
end;

-- The BLAKE3 of a sample file that was taken over from another recorder, as far as that
-- recorder kept one: the whole digest, or its beginning.
create table sample_file_blake3 (
  recording_id integer primary key references recording (id),
  blake3 blob not null check (length(blake3) between 16 and 32)
) strict;

create trigger sample_file_blake3_deleted before delete on recording begin
  delete from sample_file_blake3 where recording_id = old.id;
end;

-- Streams whose footage is taken over from another recorder, and how far that has come.
create table imported_stream (
  stream_id integer primary key references stream (id),
  -- The UUID of the other recorder's database, and its id of the stream.
  source_uuid blob not null check (length(source_uuid) = 16),
  source_stream_id integer not null,
  -- Its recordings up to this id were taken over, or left out for good. What retention has
  -- deleted here since does not come back.
  last_source_id integer not null default 0,
  unique (source_uuid, source_stream_id)
) strict;

-- Recordings that outlive the others of their stream: retention spares them up to
-- stream.retain_marked_bytes together. The oldest lose their marks when there are more.
-- Whoever knows what footage is worth marks them, such as package events.
create table marked (
  recording_id integer primary key references recording (id),
  -- These two as in recording, so that sums and the oldest are found in an index.
  stream_id integer not null references stream (id),
  sample_file_bytes integer not null check (sample_file_bytes > 0)
) strict;

create index marked_order on marked (stream_id, recording_id, sample_file_bytes);

create trigger marked_deleted before delete on recording begin
  delete from marked where recording_id = old.id;
end;

-- Answers listings, sizes and calendars without touching the table. The rowid
-- (id) is part of every index and needs no mention.
create index recording_cover on recording (
  stream_id,
  start_time_90k,
  duration_90k,
  sample_file_bytes,
  video_samples,
  video_sync_samples,
  video_sample_entry_id,
  run_offset,
  flags,
  audio_samples,
  audio_chunks,
  audio_bytes,
  audio_start_90k,
  audio_duration_90k,
  audio_sample_entry_id
);

-- Finds the recording that a stream has had for longest, which is the first to go,
-- and tells when the one that was committed last starts and ends.
create index recording_order on recording (stream_id, id, start_time_90k, duration_90k);

-- What recording_cover tells of the recordings of a stream that start within one
-- hour of UTC, packed into one value, so that a listing of years reads a row for
-- an hour and not one for a minute; see design/summaries.md. There is a row for
-- each hour that has recordings.
create table hour_summaries (
  -- The hours of a stream lie side by side. Not the primary key of a table without
  -- rowid, whose inner nodes would have values as well, and so only a few children.
  id integer primary key check (id = stream_id * 68719476736 + utc_hour),
  -- No foreign key, for which all hours would be looked through when a stream goes;
  -- check finds an hour of none.
  stream_id integer not null,
  -- Number of the hour since 1970-01-01 00:00:00 UTC: time / (60*60*90000),
  -- rounded down. That of any time is between -2^35 and 2^35, half of the factor
  -- above.
  utc_hour integer not null,
  -- Null since the last change of a recording of the hour, until the hour is
  -- packed again: then recording_cover is asked instead.
  summaries blob
) strict;

-- What was recorded of a stream on a civil date of the store, in stretches of recordings that
-- touch, so that years are told of by a row for a day; see design/summaries.md. A day need
-- not have a row: then hour_summaries is asked. A row goes with any change of a recording
-- that starts on the day.
create table day_stretches (
  -- stream_id * 68719476736 + utc_hour, as in hour_summaries, of the hour in which the day
  -- begins.
  id integer primary key,
  -- The day: the recordings that start in [start, end), or in a piece of a date that the
  -- clocks have shown twice. No more than 26 hours.
  start_time_90k integer not null,
  end_time_90k integer not null,
  stretches blob not null
) strict;

-- Which row of hour_summaries a recording belongs to. A division rounds towards zero,
-- and the remainder of a negative time is negative.
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
  delete from day_stretches
   where id between (select hour_id - 26 from recording_hour where recording_id = new.id)
                and (select hour_id from recording_hour where recording_id = new.id)
     and start_time_90k <= new.start_time_90k and end_time_90k > new.start_time_90k;
end;

-- Before, since the view tells nothing of a recording that is gone.
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

-- Recordings never change, unless they move to another directory, of which summaries tell
-- nothing, or somebody mends the index by hand.
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

create trigger recording_left_tier before delete on recording begin
  update tier set sample_file_bytes = sample_file_bytes - old.sample_file_bytes
   where stream_id = old.stream_id and last_recording_id >= old.id;
end;

-- Sample files that may exist without being recordings: a writer may have
-- created the file, or its unlinking may not be durable yet. A file that has
-- neither a row here nor in recording is never deleted. While a recording moves, its
-- copy in another directory has a row here, and the same name.
create table reserved_sample_files (
  uuid blob not null check (length(uuid) = 16),
  sample_dir_id integer not null references sample_dir (id),
  state text not null check (state in ('writing', 'moving', 'deleted')),
  primary key (uuid, sample_dir_id)
) strict, without rowid;
