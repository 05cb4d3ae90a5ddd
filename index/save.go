package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// Change is the change that one transaction makes.
type Change struct {
	Dir moonfirefs.SampleDirID
	// Insert are new recordings, their files durable. Their names must be
	// reserved. The ids are filled in once they are committed, and the
	// recordings must not be changed afterwards. One that is stored already, by
	// an earlier Commit whose outcome was uncertain, is passed over.
	Insert []*moonfirefs.Recording
	// SampleEntries are the codec configurations of Insert, in parallel; an
	// equal one that is stored already is used again.
	SampleEntries []*moonfirefs.VideoSampleEntry
	// AudioSampleEntries are those of the audio, in parallel; nil for a recording
	// without. The slice is nil if there is none at all.
	AudioSampleEntries []*moonfirefs.AudioSampleEntry
	// Retain names further streams whose quota is to be enforced, besides those
	// of Insert.
	Retain []moonfirefs.StreamID
	// Delete says that what somebody has asked to delete is to be deleted, if there
	// is anything.
	Delete bool
	// Release are reserved names whose files are durably gone, or never came to
	// exist.
	Release []uuid.UUID
	// Reserve is the number of new names to reserve in Dir.
	Reserve int
}

// Committed is what a Change brought about.
type Committed struct {
	// Deleted are the files of recordings that were deleted to meet quotas, or
	// because somebody has asked for it: they are to be unlinked, then released.
	Deleted []moonfirefs.SampleFile
	// Reserved are the new names.
	Reserved []uuid.UUID
}

// transaction is a Commit under way.
type transaction struct {
	tx *sql.Tx
	*Change
	Committed
	// ids, entryIDs and audioIDs are of Insert, in parallel.
	ids      []moonfirefs.RecordingID
	entryIDs []moonfirefs.VideoSampleEntryID
	audioIDs []moonfirefs.AudioSampleEntryID
	// blobs are the indexes of the recordings that are deleted, as far as they are not
	// too long together; blobBytes is how long all are.
	blobs     blobsByID
	blobBytes int64
	// passed is the last recording of each stream that was looked at for rotation:
	// those up to it are kept.
	passed map[moonfirefs.StreamID]moonfirefs.RecordingID
	// more says that quotas are still exceeded, or that there is more to delete.
	more bool
	// changed are the hours in which recordings came or went.
	changed map[streamHour]bool
}

// maxDeletions bounds the recordings that one transaction deletes.
const maxDeletions = 500

// Commit commits the whole change or nothing. Where COMMIT reports an error, Commit
// finds out whether it happened nevertheless before it answers; where it cannot,
// the error wraps ErrUncertain. Where one of the recordings will never be accepted,
// it is a RefusedError that says which. It ignores the cancellation of ctx: a commit
// must not be interrupted.
func (db *DB) Commit(ctx context.Context, s *Change) (*Committed, error) {
	ctx = context.WithoutCancel(ctx)
	first, err := db.commitOnce(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("save: %w", err)
	}
	for i, r := range s.Insert {
		r.ID, r.VideoSampleEntry, r.Audio.SampleEntry = first.ids[i], first.entryIDs[i], first.audioIDs[i]
	}
	// A quota that was lowered can take tens of thousands of recordings, which
	// one transaction should not: others wait for it, and memory is bounded.
	saved := first.Committed
	for streams, more := first.streams(), first.more; more; {
		rest, err := db.commitOnce(ctx, &Change{Dir: s.Dir, Retain: streams, Delete: s.Delete})
		if err != nil {
			db.log.Warn("not all is deleted yet that must be", "err", err) // the next save goes on
			break
		}
		saved.Deleted, more = append(saved.Deleted, rest.Deleted...), rest.more
	}
	return &saved, nil
}

// commitOnce is one transaction.
func (db *DB) commitOnce(ctx context.Context, s *Change) (*transaction, error) {
	began := time.Now()
	defer func() { db.counters.Transactions.Observe(time.Since(began)) }()
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return nil, asOurs(err)
	}
	defer rollback(tx)
	u := &transaction{
		tx: tx, Change: s, blobs: make(blobsByID),
		passed: make(map[moonfirefs.StreamID]moonfirefs.RecordingID), changed: make(map[streamHour]bool),
	}
	if err := u.run(ctx); err != nil {
		return nil, asOurs(err)
	}
	db.videoIndexes.leave(u.blobs)
	err = db.commit(ctx, u)
	db.videoIndexes.left(u.blobs, err == nil || errors.Is(err, ErrUncertain))
	if err != nil {
		return nil, err
	}
	return u, nil
}

func (u *transaction) run(ctx context.Context) error {
	// Releasing first: the names that are released are none of those that the
	// other steps reserve.
	for _, name := range u.Release {
		if err := failpoint.Step("delete.4", func() error { return u.release(ctx, name) }); err != nil {
			return fmt.Errorf("release %s: %w", name, err)
		}
	}
	if err := u.noteBounds(ctx); err != nil {
		return err
	}
	u.ids = make([]moonfirefs.RecordingID, len(u.Insert))
	u.entryIDs = make([]moonfirefs.VideoSampleEntryID, len(u.Insert))
	u.audioIDs = make([]moonfirefs.AudioSampleEntryID, len(u.Insert))
	for i, r := range u.Insert {
		if err := failpoint.Step("create.5", func() error { return u.insert(ctx, i) }); err != nil {
			err = fmt.Errorf("insert recording %s of stream %d: %w", r.SampleFile, r.Stream, err)
			if isRefusal(err) {
				return &RefusedError{r.SampleFile, err}
			}
			return err
		}
	}
	if u.Delete {
		if err := u.carryOut(ctx); err != nil {
			return err
		}
	}
	for _, stream := range u.streams() {
		if err := u.rotate(ctx, stream); err != nil {
			return fmt.Errorf("rotate stream %d: %w", stream, err)
		}
	}
	if err := u.packSummaries(ctx); err != nil {
		return fmt.Errorf("pack summaries: %w", err)
	}
	var err error
	u.Reserved, err = reserve(ctx, u.tx, u.Dir, u.Reserve)
	return err
}

// noteBounds notes the hours that the streams have been adding to and losing from:
// the change may be the one after which they are left alone.
func (u *transaction) noteBounds(ctx context.Context) error {
	for _, stream := range u.streams() {
		hours, err := boundaryHours(ctx, u.tx, stream)
		if err != nil {
			return fmt.Errorf("find the hours of stream %d: %w", stream, err)
		}
		for _, h := range hours {
			u.changed[h] = true
		}
	}
	return nil
}

// packSummaries packs the hours that have changed, but for those that the next
// save will change again: the newest of each stream, which grows, and the oldest,
// which rotation takes away.
func (u *transaction) packSummaries(ctx context.Context) error {
	for _, stream := range u.streams() {
		hours, err := boundaryHours(ctx, u.tx, stream)
		if err != nil {
			return err
		}
		for _, h := range hours {
			delete(u.changed, h)
		}
	}
	for h := range u.changed {
		if err := packHour(ctx, u.tx, h); err != nil {
			return err
		}
	}
	return nil
}

func (u *transaction) release(ctx context.Context, name uuid.UUID) error {
	_, err := u.tx.ExecContext(ctx, `delete from reserved_sample_files where uuid = ?`, name[:])
	return err
}

// streams lists those whose quota may be exceeded, each once.
func (u *transaction) streams() []moonfirefs.StreamID {
	seen := make(map[moonfirefs.StreamID]bool)
	var streams []moonfirefs.StreamID
	add := func(stream moonfirefs.StreamID) {
		if !seen[stream] {
			seen[stream] = true
			streams = append(streams, stream)
		}
	}
	for _, r := range u.Insert {
		add(r.Stream)
	}
	for _, stream := range u.Retain {
		add(stream)
	}
	return streams
}

const insertRecordingSQL = `
insert into recording (
  stream_id, open_id, run_offset, flags, start_time_90k, duration_90k,
  local_time_delta_90k, video_samples, video_sync_samples,
  video_sample_entry_id, sample_dir_id, sample_file_bytes, sample_file_uuid,
  sample_file_sha1, video_index, audio_sample_entry_id, audio_samples,
  audio_chunks, audio_bytes, audio_start_90k, audio_duration_90k, audio_index)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
returning id`

// insert replaces the reserved row of a new recording by its recording row.
func (u *transaction) insert(ctx context.Context, i int) error {
	r := u.Insert[i]
	err := u.tx.QueryRowContext(ctx, `select id, video_sample_entry_id, coalesce(audio_sample_entry_id, 0) from recording where sample_file_uuid = ?`, r.SampleFile[:]).
		Scan(&u.ids[i], &u.entryIDs[i], &u.audioIDs[i])
	if !errors.Is(err, sql.ErrNoRows) {
		return err // nil if it was stored already
	}
	result, err := u.tx.ExecContext(ctx, `delete from reserved_sample_files where uuid = ? and state = 'writing'`, r.SampleFile[:])
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, u.requireDeleted(ctx, r.SampleFile))
	}
	if u.entryIDs[i], err = storeSampleEntry(ctx, u.tx, u.SampleEntries[i]); err != nil {
		return err
	}
	audio := audioColumns{Recording: r}
	if r.Audio.Samples > 0 {
		if u.audioIDs[i], err = storeAudioSampleEntry(ctx, u.tx, u.AudioSampleEntries[i]); err != nil {
			return err
		}
		audio.entry = sql.Null[moonfirefs.AudioSampleEntryID]{V: u.audioIDs[i], Valid: true}
	}
	u.changed[streamHour{r.Stream, hourOf(r.Start90k)}] = true
	return u.tx.QueryRowContext(ctx, insertRecordingSQL, append([]any{
		r.Stream, r.Open, r.RunOffset, r.Flags, r.Start90k, r.Duration90k,
		r.LocalTimeDelta90k, r.VideoSamples, r.VideoSyncSamples,
		u.entryIDs[i], r.SampleDir, r.SampleFileBytes, r.SampleFile[:],
		r.SampleFileSHA1[:], r.VideoIndex,
	}, audio.values()...)...).Scan(&u.ids[i])
}

// requireDeleted passes over a recording that was committed by an earlier Commit,
// and rotated at once.
func (u *transaction) requireDeleted(ctx context.Context, name uuid.UUID) error {
	var deleted bool
	err := u.tx.QueryRowContext(ctx, `select exists (select 1 from reserved_sample_files where uuid = ?)`, name[:]).Scan(&deleted)
	if err == nil && !deleted {
		err = errNotReserved
	}
	return err
}

func storeSampleEntry(ctx context.Context, tx *sql.Tx, e *moonfirefs.VideoSampleEntry) (id moonfirefs.VideoSampleEntryID, err error) {
	err = tx.QueryRowContext(ctx, `select id from video_sample_entry where sha1 = ?`, e.SHA1[:]).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	err = tx.QueryRowContext(ctx, `
		insert into video_sample_entry (sha1, width, height, pixel_aspect_h, pixel_aspect_v, rfc6381_codec, data)
		values (?, ?, ?, ?, ?, ?, ?) returning id`,
		e.SHA1[:], e.Width, e.Height, e.PixelAspectH, e.PixelAspectV, e.RFC6381Codec, e.Data).Scan(&id)
	return id, err
}

// oldestSQL finds the recording of a stream that was committed first, after
// another one, and that nobody keeps. That is not
// always the one with the earliest time: where this machine's clock has been
// wrong for a while, an order by time would keep the footage from the future for
// ever, or delete what is dated too early as soon as it is saved.
var oldestSQL = `
select r.id from recording r
 where r.stream_id = ? and r.id > ? and not ` + keptSQL + `
 order by r.id limit 1`

// limit is how much a stream may have: its quota, of which what is kept is a part.
// If that leaves less than a tenth of the quota for new footage, it has that tenth
// all the same: what is kept never goes, and recording goes on.
func (u *transaction) limit(ctx context.Context, stream moonfirefs.StreamID) (limitBytes int64, err error) {
	var retainBytes, keptBytes int64
	if err := u.tx.QueryRowContext(ctx, `select retain_bytes from stream where id = ?`, stream).Scan(&retainBytes); err != nil {
		return 0, err
	}
	err = u.tx.QueryRowContext(ctx, keptBytesSQL, stream).Scan(&keptBytes)
	return max(retainBytes, keptBytes+retainBytes/moonfirefs.UnkeptShare), err
}

// rotate deletes the oldest recordings of a stream that exceed its quota: as
// many as needed and no more.
func (u *transaction) rotate(ctx context.Context, stream moonfirefs.StreamID) error {
	deleted := len(u.Deleted)
	defer func() { u.more = u.more || len(u.Deleted) >= maxDeletions }()
	limitBytes, err := u.limit(ctx, stream)
	if err != nil {
		return err
	}
	for {
		if len(u.Deleted) >= maxDeletions {
			return u.forgetRotated(ctx, stream)
		}
		var excess int64
		err := u.tx.QueryRowContext(ctx, `select sample_file_bytes - ? from stream where id = ?`, limitBytes, stream).Scan(&excess)
		if err == nil && excess <= 0 && len(u.Deleted) > deleted {
			err = u.forgetRotated(ctx, stream)
		}
		if err != nil || excess <= 0 {
			return err
		}
		if err := failpoint.Step("delete.1", func() error { return u.deleteOldest(ctx, stream) }); err != nil {
			return err
		}
	}
}

func (u *transaction) deleteOldest(ctx context.Context, stream moonfirefs.StreamID) error {
	var id moonfirefs.RecordingID
	err := u.tx.QueryRowContext(ctx, oldestSQL, stream, u.passed[stream]).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("its total is not that of its recordings: %w", moonfirefs.ErrCorrupt)
	}
	if err != nil {
		return err
	}
	u.passed[stream] = id
	return u.delete(ctx, id)
}

// delete replaces a recording row by a reserved row.
func (u *transaction) delete(ctx context.Context, id moonfirefs.RecordingID) error {
	var stream moonfirefs.StreamID
	var start90k moonfirefs.Time90k
	var file moonfirefs.SampleFile
	var blobs indexBlobs
	var sizeBytes int64
	err := u.tx.QueryRowContext(ctx, `
		select stream_id, start_time_90k, sample_file_uuid, sample_dir_id, `+indexesSQL+` from recording r where id = ?`, id).
		Scan(&stream, &start90k, &file.UUID, &file.Dir, &blobs.video, &blobs.audio, &sizeBytes)
	if err != nil {
		return err
	}
	if _, err := u.tx.ExecContext(ctx, `delete from recording where id = ?`, id); err != nil {
		return err
	}
	if _, err := u.tx.ExecContext(ctx, `insert into reserved_sample_files (uuid, sample_dir_id, state) values (?, ?, 'deleted')`,
		file.UUID[:], file.Dir); err != nil {
		return err
	}
	if _, err := u.tx.ExecContext(ctx, `insert or ignore into trimmed_quarter (stream_id, quarter_hour) values (?, ?)`,
		stream, quarterHour(start90k)); err != nil {
		return err
	}
	u.changed[streamHour{stream, hourOf(start90k)}] = true
	if u.blobBytes += sizeBytes; u.blobBytes <= maxHeldBytes && !blobs.lacks(sizeBytes) {
		u.blobs[id] = blobs
	}
	u.Deleted = append(u.Deleted, file)
	return nil
}

// quarterHour90k is what all civil hours are made of.
const quarterHour90k = 15 * 60 * moonfirefs.UnitsPerSecond

// quarterHour numbers the quarters of an hour of UTC since 1970.
func quarterHour(t moonfirefs.Time90k) int64 {
	q := int64(t) / quarterHour90k
	if int64(t)%quarterHour90k < 0 {
		q--
	}
	return q
}

// nearQuarters is how many quarters an hour has: what is further away than that
// is in another hour.
const nearQuarters = 4

// forgetRotated forgets the quarters that no hour with footage can have: those
// before all recordings, but for the neighbours of kept ones.
func (u *transaction) forgetRotated(ctx context.Context, stream moonfirefs.StreamID) error {
	var first sql.Null[moonfirefs.Time90k]
	err := u.tx.QueryRowContext(ctx, `
		select r.start_time_90k from recording r where r.stream_id = ? and not `+keptSQL+`
		 order by r.start_time_90k limit 1`, stream).Scan(&first)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	before := int64(math.MaxInt64)
	if first.Valid {
		before = quarterHour(first.V) - nearQuarters
	}
	_, err = u.tx.ExecContext(ctx, `
		delete from trimmed_quarter
		 where stream_id = ?1 and quarter_hour < ?2
		   and not exists (select 1 from recording r where r.stream_id = ?1
		       and r.start_time_90k >= (quarter_hour - ?3) * ?4 and r.start_time_90k < (quarter_hour + ?3 + 1) * ?4)`,
		stream, before, nearQuarters, quarterHour90k)
	return err
}

// commit commits, and looks again if that reports an error.
func (db *DB) commit(ctx context.Context, u *transaction) error {
	err := db.counters.Commits.Time(func() error { return failpoint.Step("commit", u.tx.Commit) })
	if err == nil {
		return nil
	}
	rollback(u.tx) // if need be: looking again takes the one connection
	var happened bool
	lookErr := failpoint.Step("look-again", func() (err error) {
		happened, err = db.happened(ctx, u)
		return err
	})
	switch {
	case lookErr != nil:
		return fmt.Errorf("commit: %w: %w (looking again: %w)", ErrUncertain, asOurs(err), lookErr)
	case happened:
		db.log.Warn("a commit reported an error but happened", "err", err)
		return nil
	}
	return fmt.Errorf("commit: %w", asOurs(err))
}

// happened tells whether a transaction was committed, from the trace of one of
// its steps. Those that leave a trace of this transaction alone come first.
func (db *DB) happened(ctx context.Context, u *transaction) (happened bool, err error) {
	var query string
	var name uuid.UUID
	switch {
	case len(u.Reserved) > 0:
		query, name = `select exists (select 1 from reserved_sample_files where uuid = ?)`, u.Reserved[0]
	case len(u.Deleted) > 0:
		query, name = `select not exists (select 1 from recording where sample_file_uuid = ?)`, u.Deleted[0].UUID
	case len(u.Insert) > 0:
		query = `select not exists (select 1 from reserved_sample_files where uuid = ? and state = 'writing')`
		name = u.Insert[len(u.Insert)-1].SampleFile
	case len(u.Release) > 0:
		query, name = `select not exists (select 1 from reserved_sample_files where uuid = ?)`, u.Release[0]
	default:
		return true, nil // it changed nothing
	}
	err = db.writer.QueryRowContext(ctx, query, name[:]).Scan(&happened)
	return happened, err
}
