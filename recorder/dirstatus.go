// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// DirStatus says how the recording to one sample directory is going. Counters
// start at 0 with Open.
type DirStatus struct {
	ID moonfirefs.SampleDirID
	// Full says that the reserve of free space is touched, so that nothing new is
	// recorded.
	Full bool
	// NoInodes says that the file system can take no more files.
	NoInodes bool
	// Waiting are finished recordings that are not committed.
	Waiting int
	// Quarantined are sample files that should go and cannot be deleted.
	Quarantined int
	// Commits counts commits, FailedCommits those among them that failed.
	Commits, FailedCommits int64
	// BusyFor is how long the save or the checkpoint under way has taken so far; 0 if there
	// is none.
	BusyFor time.Duration
	// CommitError says why recordings cannot be committed at present, JournalError why
	// journals cannot be written; empty if they can.
	CommitError, JournalError string
}

// task is what waits for a disk, again and again.
type task struct {
	clock Clock

	mu sync.Mutex // guards what follows
	// since is when it began, by the monotonic clock.
	since    time.Duration
	underWay bool
}

func (t *task) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, t.since = t.clock.Now()
	t.underWay = true
}

func (t *task) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.underWay = false
}

// lasts tells for how long it has been under way; 0 if it is not.
func (t *task) lasts() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.underWay {
		return 0
	}
	_, now := t.clock.Now()
	return max(now-t.since, 1)
}

// saverStatus is what a saver tells of its saves and checkpoints.
type saverStatus struct {
	saving, checkpointing task

	mu            sync.Mutex // guards what follows
	saves, failed int64
	err           error
}

// observe makes a save and notes how it went.
func (s *saverStatus) observe(save func() error) error {
	s.saving.begin()
	err := save()
	s.saving.end()
	s.note(err)
	return err
}

// failing tells whether the last save has failed.
func (s *saverStatus) failing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err != nil
}

func (s *saverStatus) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saves++
	s.err = err
	if err != nil {
		s.failed++
	}
}

// dirStatus takes no lock that is held while somebody waits for a disk.
func (s *syncer) dirStatus() DirStatus {
	now := DirStatus{
		ID: s.id, Full: s.space.full.Load(), NoInodes: s.space.noInodes.Load(),
		Waiting: int(s.saver.uncommitted.Load()), Quarantined: int(s.retention.quarantinedNow.Load()),
	}
	s.saver.status.fill(&now)
	if err := s.admission.err(); err != nil {
		now.CommitError = saveErrorText(err)
	}
	now.JournalError = causeText(s.checkpoints.trouble.read())
	return now
}

// saveErrorText is causeText, and says what is wrong with the index: of what is wrong with
// its disk, a sample directory tells by itself.
func saveErrorText(err error) string {
	switch {
	case errors.Is(err, moonfirefs.ErrNoSpace):
		return "the disk of the index is full"
	case errors.Is(err, index.ErrDiskFailing):
		return index.ErrDiskFailing.Error()
	}
	return causeText(err)
}

func (s *saverStatus) fill(now *DirStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now.Commits, now.FailedCommits = s.saves, s.failed
	now.CommitError = saveErrorText(s.err)
	if errors.Is(s.err, moonfirefs.ErrCorrupt) {
		now.CommitError = "the index is damaged: restore its backup"
	}
	now.BusyFor = max(s.saving.lasts(), s.checkpointing.lasts())
}
