// SPDX-License-Identifier: GPL-3.0-or-later

package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Options say how thorough a check is.
type Options struct {
	// Index: decode each video index and compare it with its row.
	Index bool
	// Hash: read each sample file and compare its digests.
	Hash bool
	// Stored: with Hash, compare the SHA-256 that an object store has of its objects, where
	// it has one, instead of reading them.
	Stored bool
	// Progress is called now and then, by one goroutine at a time; nil means
	// never.
	Progress func(Progress)
}

// Progress is how far a check has come with the recordings.
type Progress struct {
	Recordings, TotalRecordings int64
	// Bytes are those read from sample files; TotalBytes is 0 without
	// Options.Hash. Totals may be exceeded while recording goes on.
	Bytes, TotalBytes int64
}

// maxFindings bounds the findings of one kind: a disk that is not the right one, or
// somebody else's store, can have millions.
const maxFindings = 10_000

// Report is the outcome of a check.
type Report struct {
	Findings []Finding
	// More counts the findings that are left out, since there are maxFindings of their
	// kind.
	More map[Kind]int64
	// Checked is how much was looked at; Bytes were read from sample files.
	Recordings, Files, Bytes int64
	// Reserved counts the reserved names that are in order: of a recorder that
	// runs, or left by a crash for the next start to clean up.
	Reserved int64
}

// Clean tells whether nothing is wrong.
func (r *Report) Clean() bool { return len(r.Findings) == 0 }

// Check checks a store that is open in any mode. It returns an error if it could
// not find out, because a sample directory is not available, for example; whatever is wrong with the store itself is in the report.
func Check(ctx context.Context, s *store.Store, o Options) (*Report, error) {
	if err := s.RequireAll(); err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	c := &checker{store: s, o: o, report: &Report{}}
	if err := c.run(ctx); err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	c.report.sort()
	return c.report, nil
}

// Add adds a finding that somebody else has made.
func (r *Report) Add(f Finding) {
	r.Findings = append(r.Findings, f)
	r.sort()
}

func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Recording, b.Recording))
	})
}

// Unopened is the report on a store that is too damaged to be opened, for the
// reason that err gives.
func Unopened(err error) *Report {
	return &Report{Findings: []Finding{{Kind: Integrity, Text: err.Error(), Remedy: remedyRestore}}}
}

// checker is a check under way.
type checker struct {
	store *store.Store
	o     Options

	mu       sync.Mutex // guards what follows, and calls of Options.Progress
	report   *Report
	progress Progress
	// found counts findings by kind.
	found map[Kind]int
}

func (c *checker) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{c.mismatches, c.database, c.reservations, c.begin} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return c.dirs(ctx)
}

// dirs checks all sample directories at once, since they are on different disks.
func (c *checker) dirs(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for id, dir := range c.store.Dirs {
		wg.Go(func() {
			if err := c.dir(ctx, id, dir); err != nil {
				cancel(err) // the first one counts
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

func (c *checker) dir(ctx context.Context, id moonfirefs.SampleDirID, dir *sample.Dir) error {
	files := looker{dir: dir}
	if dir.Remote() {
		var err error
		if files.sizes, err = dir.Sizes(); err != nil {
			return err
		}
	}
	if err := c.recordings(ctx, id, &files); err != nil {
		return err
	}
	return c.files(ctx, id, dir)
}

func (c *checker) find(f Finding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == nil {
		c.found, c.report.More = make(map[Kind]int), make(map[Kind]int64)
	}
	if c.found[f.Kind]++; c.found[f.Kind] > maxFindings {
		c.report.More[f.Kind]++
		return
	}
	c.report.Findings = append(c.report.Findings, f)
}

// begin finds out how much there is to do.
func (c *checker) begin(ctx context.Context) error {
	if c.o.Progress == nil {
		return nil
	}
	totals, err := c.store.DB.Totals(ctx)
	if err != nil {
		return c.damage(err)
	}
	c.progress.TotalRecordings = totals.Recordings
	if c.o.Hash {
		c.progress.TotalBytes = totals.SampleFileBytes
	}
	c.advance(0, 0)
	return nil
}

// advance counts what was done.
func (c *checker) advance(recordings, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Recordings += recordings
	c.report.Bytes += bytes
	c.progress.Recordings, c.progress.Bytes = c.report.Recordings, c.report.Bytes
	if c.o.Progress != nil {
		c.o.Progress(c.progress)
	}
}
