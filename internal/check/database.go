// SPDX-License-Identifier: GPL-3.0-or-later

package check

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// damage makes damage of the database a finding, and passes on any other error.
func (c *checker) damage(err error) error {
	if !errors.Is(err, moonfirefs.ErrCorrupt) {
		return err
	}
	c.find(Finding{Kind: Integrity, Text: err.Error(), Remedy: remedyRestore})
	return nil
}

// mismatches looks for an index and sample directories that are not of the same
// time, which explains most of what may follow.
func (c *checker) mismatches(ctx context.Context) error {
	mismatches, err := c.store.Mismatches(ctx)
	if err != nil {
		return c.damage(err)
	}
	for _, m := range mismatches {
		c.find(Finding{Kind: Mismatch, Dir: m.Dir, Text: m.Text, Remedy: remedyAccept})
	}
	return nil
}

func (c *checker) database(ctx context.Context) error {
	for _, list := range []func(context.Context) ([]string, error){
		c.store.DB.IntegrityProblems, c.store.DB.ForeignKeyProblems,
	} {
		problems, err := list(ctx)
		if err != nil {
			return err
		}
		for _, problem := range problems {
			c.find(Finding{Kind: Integrity, Text: problem, Remedy: remedyRestore})
		}
	}
	if err := c.badRows(ctx); err != nil {
		return err
	}
	if err := c.deletions(ctx); err != nil {
		return err
	}
	if err := c.totals(ctx); err != nil {
		return err
	}
	return c.overlaps(ctx)
}

func (c *checker) deletions(ctx context.Context) error {
	undeleted, unchecked, err := c.store.DB.Undeleted(ctx)
	if err != nil {
		return c.damage(err)
	}
	if unchecked > 0 {
		c.find(Finding{Kind: Undeleted, Remedy: remedyDelete, Text: fmt.Sprintf(
			"%d deletions are of times that have so many recordings that it was not found out whether they have been carried out", unchecked)})
	}
	for id, n := range undeleted {
		c.find(Finding{Kind: Undeleted, Remedy: remedyDelete, Text: fmt.Sprintf(
			"deletion %d has been carried out, but %d recordings of it are there", id, n)})
	}
	return nil
}

// badRows looks for rows that cannot be used, in all tables but that of recordings.
func (c *checker) badRows(ctx context.Context) error {
	bad, err := c.store.DB.BadRows(ctx)
	if err != nil {
		return c.damage(err)
	}
	for i := range bad {
		c.find(Finding{Kind: Integrity, Text: bad[i].String(), Remedy: remedyRestore})
	}
	return nil
}

func (c *checker) totals(ctx context.Context) error {
	wrong, err := c.store.DB.WrongTotals(ctx)
	if err != nil {
		return c.damage(err)
	}
	for _, w := range wrong {
		c.find(Finding{Kind: Totals, Stream: w.Stream, Remedy: remedyRecount, Text: fmt.Sprintf(
			"stream %d says %d bytes and %v, its recordings add up to %d bytes and %v",
			w.Stream, w.SampleFileBytes, w.Duration90k, w.ActualBytes, w.ActualDuration90k)})
	}
	return c.tiers(ctx)
}

func (c *checker) tiers(ctx context.Context) error {
	wrong, err := c.store.DB.WrongTiers(ctx)
	if err != nil {
		return c.damage(err)
	}
	for _, w := range wrong {
		c.find(Finding{Kind: Totals, Stream: w.Stream, Remedy: remedyRecount, Text: fmt.Sprintf(
			"the tier of stream %d says %d bytes, its recordings add up to %d", w.Stream, w.SampleFileBytes, w.ActualBytes)})
	}
	if err := c.marks(ctx); err != nil {
		return err
	}
	return c.summaries(ctx)
}

// marks looks for marks of recordings that are not as they say.
func (c *checker) marks(ctx context.Context) error {
	wrong, err := c.store.DB.WrongMarks(ctx)
	if err != nil {
		return c.damage(err)
	}
	for _, w := range wrong {
		f := Finding{Kind: Totals, Stream: w.Stream, Recording: w.Recording, Remedy: remedyRecount}
		if w.ActualStream == 0 {
			f.Text = fmt.Sprintf("recording %d is marked as one with an event, and does not exist", w.Recording)
		} else {
			f.Text = fmt.Sprintf("the mark of recording %d says %d bytes of stream %d, it has %d bytes of stream %d",
				w.Recording, w.SampleFileBytes, w.Stream, w.ActualBytes, w.ActualStream)
		}
		c.find(f)
	}
	return nil
}

func (c *checker) summaries(ctx context.Context) error {
	problems, err := c.store.DB.WrongSummaries(ctx)
	if err != nil {
		return c.damage(err)
	}
	for _, problem := range problems {
		c.find(Finding{Kind: Totals, Text: problem, Remedy: remedyRecount})
	}
	return nil
}

// reservations checks invariant 3, and for names that are reserved for writing
// that no commit was lost.
func (c *checker) reservations(ctx context.Context) error {
	all, inOrder, err := c.store.DB.Reservations(ctx)
	if err != nil {
		return c.damage(err)
	}
	tookPart, err := c.tookPart(ctx)
	if err != nil {
		return c.damage(err)
	}
	left := make(map[moonfirefs.SampleDirID][]uuid.UUID)
	for _, r := range all {
		f := Finding{Kind: Reserved, Dir: r.Dir, File: r.UUID, Remedy: remedyReserved}
		forgotten, err := c.forgotten(ctx, &r)
		switch {
		case err != nil:
			return c.damage(err)
		case r.Recorded:
			f.Text = fmt.Sprintf("the name %s is that of a recording, whose file is kept, and is reserved as well", r.UUID)
		case forgotten:
			f.Text = fmt.Sprintf("sample file %s is complete and was committed, but the index has forgotten it", r.UUID)
		case inOrder && tookPart[r.Dir]:
			left[r.Dir] = append(left[r.Dir], r.UUID)
			continue
		default:
			c.report.Reserved++
			continue
		}
		c.find(f)
	}
	for dir, names := range left {
		c.find(c.leftReserved(dir, names))
	}
	return nil
}

// leftReserved is the finding about names that an orderly shutdown has left reserved. They
// have one reason, such as a file system that has become read-only, and are one finding.
func (c *checker) leftReserved(id moonfirefs.SampleDirID, names []uuid.UUID) Finding {
	f := Finding{Kind: Reserved, Dir: id, File: names[0], Remedy: remedyNextRun}
	f.Text = fmt.Sprintf("the name %s is reserved although the store was shut down in order", names[0])
	path := ""
	if dir := c.store.Dirs[id]; dir != nil {
		path = dir.Path()
	}
	if len(names) > 1 {
		f.Text = fmt.Sprintf("%d names in %s are reserved although the store was shut down in order, the first of them %s", len(names), path, names[0])
	}
	if errors.Is(unix.Access(path, unix.W_OK), unix.EROFS) {
		f.Text, f.Remedy = f.Text+": its file system is read-only", remedyWritable
	}
	return f
}

// tookPart tells of each sample directory whether it took part in the last opening of
// the store: the reserved names of one that did not wait until it does again.
func (c *checker) tookPart(ctx context.Context) (map[moonfirefs.SampleDirID]bool, error) {
	last, _, err := c.store.DB.LastOpening(ctx)
	if err != nil {
		return nil, err
	}
	all := make(map[moonfirefs.SampleDirID]bool)
	for id, dir := range c.store.Dirs {
		own, ok, err := dir.LastOpening()
		if err != nil {
			return nil, err
		}
		all[id] = !ok || own.ID >= last.ID
	}
	return all, nil
}

// forgotten tells whether a file whose name is reserved for writing was committed once. A
// recorder takes the name off the list before it removes the journal, and may reserve it
// again, to delete the file: so it has to be reserved for writing still, after the look at
// the files.
func (c *checker) forgotten(ctx context.Context, r *index.Reservation) (bool, error) {
	dir := c.store.Dirs[r.Dir]
	if r.Deleting || r.Moving || dir == nil || !dir.Forgotten(r.UUID) {
		return false, nil
	}
	return c.store.DB.IsWriting(ctx, r.UUID)
}
