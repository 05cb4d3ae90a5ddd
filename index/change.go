// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"errors"
	"fmt"
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
	// Retain names further streams whose quota and limit in time are to be enforced,
	// besides those of Insert.
	Retain []moonfirefs.StreamID
	// Now90k is when footage is as old as its limit in time is compared with; 0 means
	// that none is deleted for its age.
	Now90k moonfirefs.Time90k
	// Delete says that what somebody has asked to delete is to be deleted, if there
	// is anything.
	Delete bool
	// Release are names reserved in Dir whose files are durably gone, or never came to
	// exist.
	Release []uuid.UUID
	// Reserve is the number of new names to reserve in Dir.
	Reserve int
}

// Committed is what a Change brought about.
type Committed struct {
	// Deleted are the files of recordings that were deleted to meet quotas, for their age, or
	// because somebody has asked for it: they are to be unlinked, then released.
	Deleted []moonfirefs.SampleFile
	// Reserved are the new names.
	Reserved []uuid.UUID
}

// Commit commits the whole change or nothing. Where COMMIT reports an error, Commit
// finds out whether it happened nevertheless before it answers; where it cannot,
// the error wraps ErrUncertain. Where one of the recordings will never be accepted,
// it is a RefusedError that says which. It ignores the cancellation of ctx: a commit
// must not be interrupted.
func (db *DB) Commit(ctx context.Context, c *Change) (*Committed, error) {
	ctx = context.WithoutCancel(ctx)
	first, err := db.commitOnce(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	for i, r := range c.Insert {
		r.ID, r.VideoSampleEntry, r.Audio.SampleEntry = first.ids[i], first.entryIDs[i], first.audioIDs[i]
	}
	// A quota that was lowered can take tens of thousands of recordings, which
	// one transaction should not: others wait for it, and memory is bounded.
	committed := first.Committed
	for streams, more := first.streams(), first.more; more; {
		rest, err := db.commitOnce(ctx, &Change{Dir: c.Dir, Retain: streams, Now90k: c.Now90k, Delete: c.Delete})
		if err != nil {
			db.log.Warn("deletions are pending", "err", err) // the next Commit goes on
			break
		}
		committed.Deleted, more = append(committed.Deleted, rest.Deleted...), rest.more
	}
	return &committed, nil
}

// commitOnce is one transaction.
func (db *DB) commitOnce(ctx context.Context, c *Change) (*transaction, error) {
	return db.commitWith(ctx, c, func(ctx context.Context, t *transaction) error { return t.run(ctx) })
}

// commitWith commits what fn does.
func (db *DB) commitWith(ctx context.Context, c *Change, fn func(context.Context, *transaction) error) (*transaction, error) {
	began := time.Now()
	defer func() { db.counters.Transactions.Observe(time.Since(began)) }()
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return nil, asOurs(err)
	}
	defer rollback(tx)
	t := &transaction{
		tx: tx, Change: c, zone: db.meta.TimeZone, blobs: make(blobsByID),
		kept: make(map[moonfirefs.StreamID]keptSet), changed: make(map[streamHour]bool), trimmed: make(map[moonfirefs.StreamID][]int64),
	}
	if err := fn(ctx, t); err != nil {
		return nil, asOurs(err)
	}
	db.videoIndexes.leave(t.blobs)
	err = db.commit(ctx, t)
	db.videoIndexes.left(t.blobs, err == nil || errors.Is(err, ErrUncertain))
	if err != nil {
		return nil, err
	}
	return t, nil
}

// commit commits, and looks again if that reports an error.
func (db *DB) commit(ctx context.Context, t *transaction) error {
	err := db.counters.Commits.Time(func() error { return failpoint.Step("commit", t.tx.Commit) })
	if err == nil {
		return nil
	}
	rollback(t.tx) // if need be: looking again takes the one connection
	var happened bool
	lookErr := failpoint.Step("look-again", func() (err error) {
		happened, err = db.happened(ctx, t)
		return err
	})
	switch {
	case lookErr != nil:
		return fmt.Errorf("%w: %w (looking again: %w)", ErrUncertain, asOurs(err), lookErr)
	case happened:
		db.log.Warn("a commit reported an error but happened", "err", err)
		return nil
	}
	return asOurs(err)
}

// happened tells whether a transaction was committed, from the trace of one of
// its steps. Those that leave a trace of this transaction alone come first.
func (db *DB) happened(ctx context.Context, t *transaction) (happened bool, err error) {
	var query string
	var name uuid.UUID
	var args []any
	switch {
	case len(t.Reserved) > 0:
		query, name = `select exists (select 1 from reserved_sample_files where uuid = ?)`, t.Reserved[0]
	case len(t.Deleted) > 0:
		query, name = `select not exists (select 1 from recording where sample_file_uuid = ?)`, t.Deleted[0].UUID
	case len(t.Insert) > 0:
		query = `select not exists (select 1 from reserved_sample_files where uuid = ? and state = 'writing')`
		name = t.Insert[len(t.Insert)-1].SampleFile
	case len(t.Release) > 0:
		query, name = `select not exists (select 1 from reserved_sample_files where uuid = ? and sample_dir_id = ?)`, t.Release[0]
		args = append(args, t.Dir)
	default:
		return true, nil // it changed nothing
	}
	err = db.writer.QueryRowContext(ctx, query, append([]any{name[:]}, args...)...).Scan(&happened)
	return happened, err
}
