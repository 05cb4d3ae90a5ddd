// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
	"github.com/moonfirefs/moonfirefs/sample"
)

// nameVersion is the version of the UUIDs that the sample files of recordings have that were
// taken over (RFC 9562 §5.5): always the same for the same recording. Our own recorder makes others.
const nameVersion = 5

// nameOf is the name that the sample file of a recording gets.
func nameOf(database uuid.UUID, id moonfirefs.RecordingID) uuid.UUID {
	return uuid.NewSHA1(database, fmt.Appendf(nil, "moonfire-nvr recording %016x", int64(id)))
}

// taking is the taking over of a stream. Its steps are those of design/moonfire-nvr.md.
type taking struct {
	*importer
	plan   *streamPlan
	stream moonfirefs.StreamID
	from   *sample.Dir
	to     *sample.Dir
	// last is the id of the last recording of theirs that was dealt with.
	last moonfirefs.RecordingID
	// found says that the file of some recording was there.
	found bool
	// done counts recordings, doneBytes their sizes.
	done, doneBytes int64
}

// So many recordings are committed together, or so many bytes of those that are copied.
const (
	importRows = 500
	batchBytes = 256 << 20
)

func (i *importer) takeStream(ctx context.Context, p *streamPlan) error {
	t := &taking{
		importer: i, plan: p, stream: p.camera.stream(p.kind).ID,
		from: i.theirs[p.theirs.dir], to: i.Into.Dirs[p.dir], last: p.last,
	}
	for {
		batch, err := t.read(ctx)
		if err != nil || len(batch) == 0 {
			return err
		}
		if err := t.take(ctx, batch); err != nil {
			return err
		}
	}
}

// candidate is a recording of theirs that may be taken over.
type candidate struct {
	recording
	// original is its id there.
	original moonfirefs.RecordingID
	entry    *moonfirefs.VideoSampleEntry
	// trimmed says that its predecessor was deleted before it could be taken over.
	trimmed bool
	// done says that its file is there.
	done bool
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// read reads the next recordings; those that cannot be used are without an entry.
func (t *taking) read(ctx context.Context) (batch []*candidate, err error) {
	before, first, sizeBytes := t.last, t.last == 0, int64(0)
	err = t.source.recordings(ctx, t.plan.theirs, before, importRows, func(r *recording, problem error) error {
		if sizeBytes += r.SampleFileBytes; !t.plan.link && len(batch) > 0 && sizeBytes > batchBytes {
			return errEnough
		}
		c := &candidate{recording: *r, original: r.ID}
		c.trimmed = first && r.ID > firstID(t.plan.theirs.id)+1 || r.RunOffset > 0 && r.ID > before+1
		first, before = false, max(r.ID, before)
		entry, why := c.prepare(problem, t.entries)
		if entry == nil {
			t.leaveOut("recording", int64(r.ID), why)
		} else {
			c.entry = entry
			t.adapt(c)
		}
		batch = append(batch, c)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return batch, err
}

// adapt makes the recording one of our store.
func (t *taking) adapt(c *candidate) {
	r := &c.Recording
	r.ID, r.Stream, r.SampleDir, r.Open = 0, t.stream, t.plan.dir, t.opening.ID
	r.SampleFile = nameOf(t.uuid, c.original)
	switch {
	case t.source.version < firstBLAKE3 && len(c.digest) == sha1.Size:
		copy(r.SampleFileSHA1[:], c.digest)
	case t.source.version >= firstBLAKE3 && len(c.digest) >= moonfirefs.MinBLAKE3Bytes && len(c.digest) <= moonfirefs.MaxBLAKE3Bytes:
		r.SampleFileBLAKE3 = c.digest
	}
}

// firstBLAKE3 is the first version of their schema whose digests are BLAKE3.
const firstBLAKE3 = 6

// take takes over a batch: its names are reserved, its files appear, durably, and then the rows are
// committed. What a kill leaves in between is a reserved name, perhaps with a file, as our
// recorder leaves them.
func (t *taking) take(ctx context.Context, batch []*candidate) error {
	var names []uuid.UUID
	for _, c := range batch {
		if c.entry != nil {
			names = append(names, c.SampleFile)
		}
	}
	if err := failpoint.Step("import.1", func() error { return t.Into.DB.ReserveNames(ctx, t.plan.dir, names) }); err != nil {
		return err
	}
	change := &index.Import{ImportedStream: index.ImportedStream{Stream: t.stream, Source: t.uuid, SourceStream: int64(t.plan.theirs.id)}, Dir: t.plan.dir}
	stopped := t.files(ctx, batch, change)
	// Whatever has stopped it, what was done so far is kept.
	t.release(batch, change)
	if err := failpoint.Step("import.3", t.to.Sync); err != nil {
		return errors.Join(stopped, err)
	}
	for _, c := range batch {
		if c.done {
			change.Insert, change.Entries = append(change.Insert, &c.Recording), append(change.Entries, c.entry)
		}
	}
	change.Last = int64(t.last)
	if err := failpoint.Step("import.4", func() error { return t.Into.DB.Import(ctx, change) }); err != nil {
		return errors.Join(stopped, err)
	}
	t.count(change)
	return stopped
}

// release has names released of which there is no file, not even one that a kill has left.
func (t *taking) release(batch []*candidate, change *index.Import) {
	for _, c := range batch {
		if c.entry == nil || c.done {
			continue
		}
		if err := t.to.Unlink(c.SampleFile); err == nil || errors.Is(err, fs.ErrNotExist) {
			change.Release = append(change.Release, c.SampleFile)
		}
	}
}

// count notes what was committed, and seals copies: nobody else has those files.
func (t *taking) count(change *index.Import) {
	r := &t.plan.report
	for _, c := range change.Insert {
		r.Recordings++
		r.SizeBytes += c.SampleFileBytes
		r.TotalBytes += c.SampleFileBytes
		if t.plan.link {
			r.Linked++
		} else {
			_ = failpoint.Step("import.5", func() error { return t.to.Seal(c.SampleFile) }) // as far as the file system has modes
		}
	}
}

// files makes the files of a batch, as far as nothing stops it.
func (t *taking) files(ctx context.Context, batch []*candidate, change *index.Import) error {
	for _, c := range batch {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if c.entry == nil {
			t.plan.report.LeftOut++
		} else if err := t.file(ctx, c, change); err != nil {
			return err
		}
		if c.trimmed {
			change.Trimmed90k = append(change.Trimmed90k, c.Start90k.Add(-1))
		}
		t.last = max(t.last, c.original)
		t.done++
		t.doneBytes += c.SampleFileBytes
		t.show()
	}
	return nil
}

// file makes the file of one recording. One that is missing or damaged is left out.
func (t *taking) file(ctx context.Context, c *candidate, change *index.Import) error {
	err := failpoint.Step("import.2", func() error {
		if t.plan.link {
			return t.link(ctx, c)
		}
		return t.copy(ctx, c)
	})
	switch {
	case err == nil:
		c.done, t.found = true, true
		return nil
	case errors.Is(err, sample.ErrDeleted) && !t.found:
		// Their retention was there first.
		change.Trimmed90k = append(change.Trimmed90k, c.Start90k)
		t.plan.report.Gone++
	case errors.Is(err, sample.ErrDeleted), errors.Is(err, moonfirefs.ErrCorrupt), errors.Is(err, unix.EIO) && t.from.Verify() == nil:
		t.leaveOut("recording", int64(c.original), err.Error())
		t.plan.report.LeftOut++
	default:
		return err
	}
	return nil
}

func (t *taking) link(ctx context.Context, c *candidate) error {
	if err := t.to.Link(c.SampleFile, t.from, fileOf(c.original), c.SampleFileBytes); err != nil || !t.Verify {
		return err
	}
	digest := moonfirefs.NewSampleFileDigestOf(&c.Recording)
	if _, err := t.to.ReadThrough(ctx, c.SampleFile, digest); err != nil {
		return err
	}
	return t.compare(c, digest, c.SampleFileBytes)
}

func (t *taking) copy(ctx context.Context, c *candidate) error {
	digest := moonfirefs.NewSampleFileDigestOf(&c.Recording)
	sizeBytes, err := t.to.CopyFrom(ctx, c.SampleFile, t.from, fileOf(c.original), digest)
	if err != nil {
		return err
	}
	return t.compare(c, digest, sizeBytes)
}

// compare compares what was read with what is known of it, and notes its digests. What
// differs is removed here.
func (t *taking) compare(c *candidate, found *moonfirefs.SampleFileDigest, sizeBytes int64) error {
	var err error
	if sizeBytes != c.SampleFileBytes {
		err = fmt.Errorf("its sample file has %d bytes instead of %d: %w", sizeBytes, c.SampleFileBytes, moonfirefs.ErrCorrupt)
	} else if kind := found.Differs(&c.Recording); kind != "" {
		err = fmt.Errorf("the contents of its sample file differ from their %s: %w", kind, moonfirefs.ErrCorrupt)
	}
	if err != nil {
		return errors.Join(err, t.to.Unlink(c.SampleFile))
	}
	found.Fill(&c.Recording)
	return nil
}

// show tells how far the stream is.
func (t *taking) show() {
	if t.plan.link && !t.Verify {
		t.Show(Work{Name: "linking " + t.plan.report.Folder}, t.done, t.plan.recordings)
	} else {
		t.Show(Work{"reading " + t.plan.report.Folder, true}, t.doneBytes, t.plan.sizeBytes)
	}
}
