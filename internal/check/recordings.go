// SPDX-License-Identifier: GPL-3.0-or-later

package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/sample"
)

// batchRecordings is how many rows are read at a time.
const batchRecordings = 512

// maxRequests is how many objects of a bucket are looked at at once.
const maxRequests = 8

// looker looks at the sample files of a directory.
type looker struct {
	dir *sample.Dir
	// sizes are those of a listing, for a directory elsewhere: there, each look is a request.
	sizes map[uuid.UUID]int64
}

// lookerOf returns nil for a directory that the index does not know.
func lookerOf(dir *sample.Dir) *looker {
	if dir == nil {
		return nil
	}
	return &looker{dir: dir}
}

// stat is that of the directory, which is asked only if the listing does not say what is
// expected: the file may have come since.
func (l *looker) stat(r *moonfirefs.Recording) (sample.Info, error) {
	if sizeBytes, ok := l.sizes[r.SampleFile]; ok && sizeBytes == r.SampleFileBytes {
		return sample.Info{SizeBytes: sizeBytes, Regular: true}, nil
	}
	return l.dir.Stat(r.SampleFile)
}

// recordings checks invariant 1 for the recordings in one directory, in the
// order in which they were written.
func (c *checker) recordings(ctx context.Context, id moonfirefs.SampleDirID, files *looker) error {
	for after := moonfirefs.RecordingID(math.MinInt64); ; {
		rows, err := c.store.DB.Stored(ctx, id, after, batchRecordings, c.o.Index)
		if err != nil {
			return c.damage(err) // what follows cannot be read
		}
		if len(rows) == 0 {
			return nil
		}
		for i := range rows {
			rows[i].SampleDir = id // also where the row cannot be read
		}
		if err := c.batchOf(ctx, files, rows); err != nil {
			return err
		}
		after = rows[len(rows)-1].ID
	}
}

// batchOf checks recordings: one after the other on a disk, several at once where each answer
// is long on its way.
func (c *checker) batchOf(ctx context.Context, files *looker, rows []index.Stored) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(1)
	if files.dir.Remote() {
		group.SetLimit(maxRequests)
	}
	for i := range rows {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return c.recording(ctx, files, &rows[i]) })
	}
	return group.Wait()
}

func (c *checker) recording(ctx context.Context, files *looker, s *index.Stored) error {
	r := &s.Recording
	if s.Problem != "" {
		if err := c.suspect(ctx, r, Damaged, s.Problem); err != nil {
			return err
		}
	}
	if files == nil || r.Problem() != "" {
		c.advance(1, 0)
		return nil // what it says of its file is worth nothing
	}
	kind, problem, err := c.sampleFile(ctx, files, r)
	if err == nil && problem != "" {
		err = c.suspect(ctx, r, kind, problem)
	}
	if err == nil {
		c.advance(1, 0)
	}
	return err
}

// sampleFile checks a recording's file; the problem is "" if there is none.
func (c *checker) sampleFile(ctx context.Context, files *looker, r *moonfirefs.Recording) (kind Kind, problem string, err error) {
	info, err := files.stat(r)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Missing, "its sample file is missing", nil
	case err != nil:
		return unreadable(err)
	case !info.Regular:
		return Damaged, "its sample file is not a regular file", nil
	case info.SizeBytes != r.SampleFileBytes:
		return Damaged, fmt.Sprintf("its sample file has %d bytes, its row says %d", info.SizeBytes, r.SampleFileBytes), nil
	case c.o.Hash:
		return c.contents(ctx, files, r)
	}
	return "", "", nil
}

// unreadable makes an error of the file system something that is found.
func unreadable(err error) (kind Kind, problem string, _ error) { return Unreadable, err.Error(), nil }

func (c *checker) contents(ctx context.Context, files *looker, r *moonfirefs.Recording) (kind Kind, problem string, err error) {
	if c.o.Stored && r.HasSHA256() {
		stored, err := files.dir.StoredSHA256(ctx, r.SampleFile)
		if err != nil {
			return c.unread(ctx, err)
		}
		if stored == r.SampleFileSHA256 {
			return "", "", nil
		}
		// Reading tells whether the object is another one, or the object store has none.
	}
	return c.read(ctx, files, r)
}

// unread is what it means that a file could not be read.
func (*checker) unread(ctx context.Context, failed error) (kind Kind, problem string, err error) {
	switch {
	case ctx.Err() != nil:
		return "", "", context.Cause(ctx)
	case errors.Is(failed, fs.ErrNotExist):
		return Missing, "its sample file is missing", nil
	}
	return unreadable(failed)
}

func (c *checker) read(ctx context.Context, files *looker, r *moonfirefs.Recording) (kind Kind, problem string, err error) {
	digest := moonfirefs.NewSampleFileDigestOf(r)
	_, err = files.dir.ReadThrough(ctx, r.SampleFile, &counted{digest, c})
	if err != nil {
		return c.unread(ctx, err)
	}
	if kind := digest.Differs(r); kind != "" {
		return Damaged, "the contents of its sample file differ from their " + kind, nil
	}
	return "", "", nil
}

// counted is a digest whose bytes count as progress.
type counted struct {
	digest  *moonfirefs.SampleFileDigest
	checker *checker
}

func (w *counted) Write(p []byte) (int, error) {
	w.checker.advance(0, int64(len(p)))
	return w.digest.Write(p)
}
