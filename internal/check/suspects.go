// SPDX-License-Identifier: GPL-3.0-or-later

package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Beside a recorder, what we read of the index and what we see in the directory
// are of different moments. What proves that an invariant is broken is its order:
//
// A row of recording is there, then its file is wrong, then the row is still
// there and names the same directory. Ids are never used again, so it was there in
// between: invariant 1 is broken.
//
// A file is there, then neither table names it, then it is still there. Names are
// never used again either: invariant 2 is broken.

// suspect reports what is wrong with the file of a recording, if the recording is
// still there.
func (c *checker) suspect(ctx context.Context, r *moonfirefs.Recording, kind Kind, problem string) error {
	there, err := c.isThere(ctx, r)
	if err != nil {
		return c.damage(err)
	}
	if !there {
		return nil // deleted meanwhile, or moved
	}
	f := Finding{
		Kind: kind, Recording: r.ID, Stream: r.Stream, Dir: r.SampleDir, File: r.SampleFile,
		Text: fmt.Sprintf("recording %d of %v, sample file %s: %s", r.ID, r.Start90k, r.SampleFile, problem),
	}
	switch kind {
	case Missing:
		f.Remedy = remedyDrop(r.ID)
	case Unreadable:
		f.Remedy = remedyDisk
	default:
		f.Remedy = remedyCorrupt(r.ID)
	}
	c.find(f)
	return nil
}

// isThere tells whether a recording is still there, and in the same directory.
func (c *checker) isThere(ctx context.Context, r *moonfirefs.Recording) (bool, error) {
	if r.SampleDir == 0 { // its row cannot be read
		return c.store.DB.HasRecording(ctx, r.ID)
	}
	return c.store.DB.HasRecordingIn(ctx, r.ID, r.SampleDir)
}

// files checks invariant 2 in one directory.
func (c *checker) files(ctx context.Context, id moonfirefs.SampleDirID, dir *sample.Dir) error {
	return dir.EachBatch(func(names []uuid.UUID) error { return c.batch(ctx, id, dir, names) })
}

func (c *checker) batch(ctx context.Context, id moonfirefs.SampleDirID, dir *sample.Dir, names []uuid.UUID) error {
	c.countFiles(len(names))
	unnamed, err := c.store.DB.Unnamed(ctx, id, names)
	if err != nil {
		return c.damage(err)
	}
	for _, name := range unnamed {
		info, err := dir.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		text := fmt.Sprintf("sample file %s of %d bytes in %s belongs to no recording", name, info.SizeBytes, dir.Path())
		c.find(Finding{Kind: Orphan, Dir: id, File: name, Text: text, Remedy: remedyOrphan(name)})
	}
	return nil
}

func (c *checker) countFiles(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Files += int64(n)
}
