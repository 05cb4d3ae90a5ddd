// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/sample"
)

// ImportOptions say what is taken over, and how.
type ImportOptions struct {
	// Database is the directory with their file "db".
	Database string
	// Cache is a directory for a copy of their database, which is removed in the end.
	Cache string
	// Into is open for recording, or for reading if DryRun is set.
	Into *store.Store
	// DryRun says that nothing is taken over, and told what would be.
	DryRun bool
	// Copy has sample files copied that cannot be linked. Without it, they are an error.
	Copy bool
	// Verify reads what is linked, and compares it with their digests. What is copied is
	// compared in any case.
	Verify bool
	// Show is told how far it is; it is of one kind of work at a time.
	Show   func(work Work, done, total int64)
	Logger *slog.Logger
}

// StreamReport tells what was taken over of a stream, or would be.
type StreamReport struct {
	// Folder is that of the stream in the mount.
	Folder string
	// New says that the stream was not there before.
	New bool
	// Recordings were taken over: Linked, or copied, SizeBytes together.
	Recordings, Linked int
	SizeBytes          int64
	// LeftOut are those that cannot be used, or whose files are missing or damaged; Gone are
	// the oldest, which Moonfire NVR has deleted meanwhile.
	LeftOut, Gone int
	// Own are newer ones that were left where they are, since our recorder records the
	// stream.
	Own int
	// Away says that their sample directory is missing, and nothing was taken over.
	Away bool
	// RetainBytes is the quota, TheirRetainBytes the one of theirs.
	RetainBytes, TheirRetainBytes int64
	// TotalBytes is all that the stream has in our store.
	TotalBytes int64
}

// importer takes over the footage of a Moonfire NVR.
type importer struct {
	teller
	ImportOptions
	source  *source
	uuid    uuid.UUID
	entries map[int64]*moonfirefs.VideoSampleEntry
	opening moonfirefs.Opening
	// theirs are their sample directories that are there.
	theirs map[moonfirefs.SampleDirID]*sample.Dir
}

// Import takes over what is there and was not taken over before, and returns what that was,
// stream by stream, also if it fails half-way. Nothing of theirs is changed. What a kill
// leaves is what was committed, and names that are reserved; the next Import goes on.
//
// The error wraps sample.ErrNoLink if files would have to be copied and that is not wanted,
// moonfirefs.ErrBusy if it is being imported by somebody else, and those of Open.
func Import(ctx context.Context, o ImportOptions) (all []StreamReport, err error) {
	i := &importer{teller: newTeller(o.Logger), ImportOptions: o, theirs: make(map[moonfirefs.SampleDirID]*sample.Dir)}
	defer func() { err = errors.Join(err, i.close()) }()
	if i.Database, err = databaseIn(o.Database); err == nil {
		err = i.withCopy(ctx, func() (err error) {
			all, err = i.run(ctx)
			return err
		})
	}
	if err != nil {
		return all, fmt.Errorf("import Moonfire NVR %s: %w", o.Database, err)
	}
	return all, nil
}

func (i *importer) close() error {
	var errs []error
	for _, dir := range i.theirs {
		errs = append(errs, dir.Close())
	}
	return errors.Join(errs...)
}

// withCopy copies their database, opens the copy, and removes it behind act. It is no more
// than a moment of theirs: what they record meanwhile, the next Import takes over.
func (i *importer) withCopy(ctx context.Context, act func() error) (err error) {
	folder := filepath.Join(cacheFolder(i.Cache, i.Database), importFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	lock, err := lockCache(folder + "-" + cacheLock)
	if err != nil {
		return err
	}
	if lock == nil {
		return fmt.Errorf("it is being imported by another process: %w", moonfirefs.ErrBusy)
	}
	defer lock.Close()
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	c := &copier{theirs: i.Database, ours: folder, show: func(done, total int64) { i.Show(Work{"copying its database", true}, done, total) }}
	if err := c.forget(); err != nil {
		return err
	}
	if _, _, err := c.refresh(ctx); err != nil {
		return fmt.Errorf("copy its database: %w", err)
	}
	if i.source, err = openSource(ctx, folder); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.source.Close()) }()
	return act()
}

func (i *importer) run(ctx context.Context) (all []StreamReport, err error) {
	if i.uuid, err = i.source.uuid(ctx); err != nil {
		return nil, err
	}
	if i.entries, err = i.source.entries(ctx, i.leaveOut); err != nil {
		return nil, err
	}
	plans, err := i.plan(ctx)
	if err != nil {
		return nil, err
	}
	if i.DryRun || nothingNew(plans) {
		for _, p := range plans {
			all = append(all, p.report)
		}
		return all, nil
	}
	if err := i.begin(ctx, plans); err != nil {
		return nil, err
	}
	for _, p := range plans {
		if p.ready() {
			err = i.takeStream(ctx, p)
		}
		all = append(all, p.report)
		if err != nil {
			return all, fmt.Errorf("take over %s: %w", p.report.Folder, err)
		}
	}
	return all, i.end(ctx, plans)
}

// begin notes the opening of the store in the index and in the directories that get footage
// (design/lifecycle.md, § Opening steps 1 and 2), and makes cameras and streams.
func (i *importer) begin(ctx context.Context, plans []*streamPlan) error {
	id, err := i.Into.DB.BeginOpen(ctx, now90k())
	if err != nil {
		return err
	}
	if i.opening, err = i.Into.DB.Opening(ctx, id); err != nil {
		return err
	}
	if err := i.tellDirs(plans); err != nil {
		return err
	}
	return i.makeStreams(ctx, plans)
}

// end notes that it was closed in order (§ Opening steps 3 and 4).
func (i *importer) end(ctx context.Context, plans []*streamPlan) (err error) {
	if err := i.Into.DB.EndOpen(ctx, i.opening.ID, now90k()); err != nil {
		return err
	}
	if i.opening, err = i.Into.DB.Opening(ctx, i.opening.ID); err != nil {
		return err
	}
	return i.tellDirs(plans)
}

func (i *importer) tellDirs(plans []*streamPlan) error {
	told := make(map[moonfirefs.SampleDirID]bool)
	for _, p := range plans {
		if !p.ready() || told[p.dir] {
			continue
		}
		told[p.dir] = true
		if err := i.Into.Dirs[p.dir].SetLastOpening(i.opening); err != nil {
			return err
		}
	}
	return nil
}

// makeStreams makes the cameras and streams that are not there yet, and notes where the
// footage of each stream comes from. Each step can be repeated after a kill.
func (i *importer) makeStreams(ctx context.Context, plans []*streamPlan) error {
	done := make(map[*cameraPlan]bool)
	for _, p := range plans {
		c := p.camera
		if !done[c] && c.changed() {
			var err error
			if c.before == nil {
				err = i.Into.DB.AddCamera(ctx, &c.after)
			} else {
				err = i.Into.DB.UpdateCamera(ctx, c.before, &c.after)
			}
			if err != nil {
				return err
			}
		}
		done[c] = true
		stream := &index.ImportedStream{Stream: c.stream(p.kind).ID, Source: i.uuid, SourceStream: int64(p.theirs.id)}
		if err := i.Into.DB.AddImportedStream(ctx, stream); err != nil {
			return err
		}
	}
	return nil
}
