// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

const (
	// moveEvery is how often it is looked for footage that is to move.
	moveEvery = 2 * time.Second
	// moveBatch is how many recordings are looked up at a time.
	moveBatch = 16
)

var (
	// errDamaged is returned where the sample file of a recording is not what its row says.
	errDamaged = errors.New("its sample file is damaged")
	// errCopyDiffers is returned where a copy reads differently from what was written.
	errCopyDiffers = errors.New("the copy differs from what was written")
	// errUnfinished is returned while an earlier copy has not been deleted.
	errUnfinished = errors.New("an earlier copy is not deleted yet")
	// errInterrupted is returned when the directory was gone during the move.
	errInterrupted = errors.New("the directory was gone meanwhile")
)

// moveDatabase is what a mover needs of an *index.DB.
type moveDatabase interface {
	Tiers(context.Context) ([]moonfirefs.Tier, error)
	NextMoves(context.Context, *moonfirefs.Tier, moonfirefs.Time90k, int) ([]index.Move, error)
	BeginMove(context.Context, *index.Move) error
	FinishMove(context.Context, *index.Move) error
	PassOver(context.Context, *index.Move) error
	AbandonMove(context.Context, *index.Move) error
	IsMoving(context.Context, *index.Move) (bool, error)
}

// mover moves recordings to the tiers of their streams (§ Move), one at a time. A copy is in
// its care from step 1 to step 5; then the old file is in that of the retention of its
// directory.
type mover struct {
	db       moveDatabase
	syncers  map[moonfirefs.SampleDirID]*syncer
	clock    Clock
	log      *slog.Logger
	throttle throttle
	status   moverStatus
}

func newMover(db moveDatabase, syncers map[moonfirefs.SampleDirID]*syncer, clock Clock, busy func() bool, log *slog.Logger) *mover {
	return &mover{db: db, syncers: syncers, clock: clock, log: log, throttle: throttle{clock: clock, busy: busy}}
}

// run moves what is to move until ctx ends.
func (m *mover) run(ctx context.Context) {
	for more := false; ; {
		wait := moveEvery
		if more {
			wait = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-m.clock.After(wait):
		}
		more = m.turn(ctx)
	}
}

// turn moves some recordings to each tier, and tells whether there may be more.
func (m *mover) turn(ctx context.Context) (more bool) {
	tiers, err := m.db.Tiers(ctx)
	if err != nil {
		return false // whoever saves tells what is wrong with the index
	}
	m.status.keep(tiers)
	for i := range tiers {
		t := &tiers[i]
		moved, err := m.moveSome(ctx, t)
		if ctx.Err() != nil {
			return false
		}
		if m.status.failed(t, err) {
			m.log.Warn("footage cannot move to the next tier; will try again", "stream", t.Stream, "err", err)
		}
		more = more || moved && err == nil
	}
	return more
}

// moveSome tells whether recordings were to move.
func (m *mover) moveSome(ctx context.Context, t *moonfirefs.Tier) (some bool, err error) {
	wall, _ := m.clock.Now()
	now90k := moonfirefs.FromTime(wall)
	moves, err := m.db.NextMoves(ctx, t, now90k, moveBatch)
	if err != nil {
		return false, err
	}
	m.status.due(t, moves, now90k)
	for i := range moves {
		if err := m.settle(ctx, t, &moves[i]); err != nil {
			return true, err
		}
	}
	return len(moves) > 0, nil
}

// settle has a recording belong to its tier, if it has to move for that.
func (m *mover) settle(ctx context.Context, t *moonfirefs.Tier, move *index.Move) error {
	if move.SampleDir == move.To {
		return m.passOver(ctx, move)
	}
	err := m.move(ctx, move)
	switch {
	case err == nil:
		m.status.moved(t, move)
		return nil
	case errors.Is(err, index.ErrMoveOver):
		return nil
	case errors.Is(err, errDamaged):
		m.log.Error("a recording cannot move to the next tier and stays where it is", "stream", move.Stream, "recording", move.ID, "err", err)
		m.status.damaged(t)
		return m.passOver(ctx, move)
	}
	return err
}

func (m *mover) passOver(ctx context.Context, move *index.Move) error {
	if err := m.db.PassOver(ctx, move); err != nil && !errors.Is(err, index.ErrMoveOver) {
		return err
	}
	return nil
}

// move moves a recording (§ Move). Where it fails, the copy is removed, and the recording is
// where it was.
func (m *mover) move(ctx context.Context, move *index.Move) error {
	source, err := m.begun(move.SampleDir)
	if err != nil {
		return err
	}
	target, err := m.begun(move.To)
	if err != nil {
		return err
	}
	claim, ok := target.claim(move.SampleFile)
	if !ok {
		return errUnfinished
	}
	defer target.unclaim(claim)
	if err := failpoint.Step("move.1", func() error { return m.begin(ctx, target, move) }); err != nil {
		return err
	}
	err = m.copy(ctx, source, target, move)
	if err == nil {
		err = failpoint.Step("move.5", func() error { return target.whileClaimed(claim, func() error { return m.db.FinishMove(ctx, move) }) })
	}
	if err != nil {
		return m.abandon(target, move, err)
	}
	m.log.Debug("moved", "stream", move.Stream, "recording", move.ID, "file", move.SampleFile, "dir", move.To)
	failpoint.Do("move.6", func() { source.retention.doomSoon(doomedFile{name: move.SampleFile, expected: true}) })
	return nil
}

// begun returns the syncer of a directory that is in use.
func (m *mover) begun(dir moonfirefs.SampleDirID) (*syncer, error) {
	s := m.syncers[dir]
	if s == nil {
		return nil, fmt.Errorf("sample directory %d is not open: restart the recorder", dir)
	}
	return s, s.admission.err()
}

// begin is step 1. Where the name is reserved already, although nobody cares for it, an
// earlier move has failed and its copy could not be removed.
func (m *mover) begin(ctx context.Context, target *syncer, move *index.Move) error {
	if err := target.space.check(); err != nil {
		return err
	}
	err := m.db.BeginMove(ctx, move)
	if !errors.Is(err, moonfirefs.ErrExists) {
		return err
	}
	if err := m.remove(target, move); err != nil {
		return err
	}
	return m.db.BeginMove(ctx, move)
}

// copy makes the copy, durably, and verifies it: steps 2 to 4.
func (m *mover) copy(ctx context.Context, source, target *syncer, move *index.Move) error {
	var file sampleFile
	err := failpoint.Step("move.2", func() (err error) {
		if file, err = target.dir.Create(move.SampleFile); err != nil {
			return err
		}
		target.space.preallocate(file, move.SampleFileBytes)
		return m.copyTo(ctx, file, source, target, move)
	})
	if file != nil && err != nil {
		return errors.Join(err, file.Close())
	}
	if err != nil {
		target.presence.suspect(err)
		return err
	}
	err = failpoint.Step("move.3", func() error {
		if err := errors.Join(file.Sync(), file.Close()); err != nil {
			return err
		}
		return target.checkpoints.entries.syncOnly()
	})
	if err != nil {
		target.presence.suspect(err)
		return err
	}
	return failpoint.Step("move.4", func() error {
		found := newDigested(m.throttle.writer(ctx, io.Discard), &move.Recording)
		if _, err := target.dir.ReadBack(ctx, move.SampleFile, found); err != nil {
			target.presence.suspect(err)
			return err
		}
		if !found.are(&move.Recording) {
			return errCopyDiffers
		}
		return nil
	})
}

// copyTo copies a sample file. The error wraps errDamaged if the recording itself cannot be
// read, or is not what its row says.
func (m *mover) copyTo(ctx context.Context, file sampleFile, source, target *syncer, move *index.Move) error {
	to := &spending{Writer: file, space: target.space}
	found := newDigested(m.throttle.writer(ctx, to), &move.Recording)
	_, err := source.dir.ReadThrough(ctx, move.SampleFile, found)
	switch {
	case to.err != nil:
		target.presence.suspect(to.err)
		return to.err
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		source.presence.suspect(err)
		if gone := errors.Join(source.dir.Verify(), source.dir.Probe()); gone != nil {
			return gone
		}
		return fmt.Errorf("%w: %w", errDamaged, err)
	case !found.are(&move.Recording):
		return errDamaged
	}
	if !move.HasSHA1() {
		found.digest.Fill(&move.Recording) // the copy must at least be what was read
	}
	return nil
}

// abandon removes the copy of a move that has failed, unless the move has happened all the
// same: then the old file is in nobody's care, as after a crash (§ Close).
func (m *mover) abandon(target *syncer, move *index.Move, cause error) error {
	moving, err := m.db.IsMoving(context.Background(), move)
	if err == nil && moving {
		err = m.remove(target, move)
	}
	if err != nil {
		m.log.Debug("cannot remove the copy of a recording that has not moved", "recording", move.ID, "err", err)
	}
	return cause
}

// remove removes a copy, durably, and releases its name. Where that fails, the next attempt
// or the closing save does it.
func (m *mover) remove(target *syncer, move *index.Move) error {
	if err := target.dir.Unlink(move.SampleFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := target.checkpoints.entries.syncOnly(); err != nil {
		return err
	}
	return m.db.AbandonMove(context.Background(), move)
}

// spending writes to a file as long as the reserve of free space is not touched.
type spending struct {
	io.Writer
	space *space
	// err is why that has failed.
	err error
}

func (s *spending) Write(p []byte) (n int, err error) {
	if s.err = s.space.spend(int64(len(p))); s.err != nil {
		return 0, s.err
	}
	n, s.err = s.Writer.Write(p)
	return n, s.err
}

// digested writes what it gets to another writer, and knows its size and digests.
type digested struct {
	to        io.Writer
	digest    *moonfirefs.SampleFileDigest
	sizeBytes int64
}

func newDigested(to io.Writer, r *moonfirefs.Recording) *digested {
	return &digested{to: to, digest: moonfirefs.NewSampleFileDigestOf(r)}
}

func (d *digested) Write(p []byte) (int, error) {
	n, err := d.to.Write(p)
	d.sizeBytes += int64(n)
	_, _ = d.digest.Write(p[:n]) // never fails
	return n, err
}

// are tells whether what was written is the sample file of a recording.
func (d *digested) are(r *moonfirefs.Recording) bool {
	return d.sizeBytes == r.SampleFileBytes && d.digest.Differs(r) == ""
}
