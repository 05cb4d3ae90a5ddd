package fs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"

	"github.com/google/uuid"
	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/mp4"
	"github.com/moonfirefs/moonfirefs/sample"
)

// handle is an open file. It holds all that is needed to read it to the end,
// however the hour grows and whatever rotation takes away meanwhile.
type handle struct {
	tree *tree
	mp4  *mp4.File
	// recordings and files are in parallel.
	recordings []moonfirefs.Summary
	files      []moonfirefs.SampleFile

	// releases gives up what is held, once.
	releases    []func()
	releaseOnce sync.Once
}

var (
	_ gofs.FileReader   = (*handle)(nil)
	_ gofs.FileReleaser = (*handle)(nil)
	_ mp4.Source        = (*handle)(nil)
)

func openHandle(ctx context.Context, t *tree, spec *mp4.Spec) (*handle, error) {
	h := &handle{tree: t, recordings: spec.Recordings}
	var err error
	if h.mp4, err = mp4.New(spec); err != nil {
		return nil, err
	}
	if err := h.hold(ctx); err != nil {
		h.release()
		return nil, err
	}
	t.addHandle(h)
	return h, nil
}

// hold secures the video indexes and the sample files.
func (h *handle) hold(ctx context.Context) error {
	ids := make([]moonfirefs.RecordingID, len(h.recordings))
	for i := range h.recordings {
		ids[i] = h.recordings[i].ID
	}
	release, err := h.tree.db.Hold(ctx, ids)
	if err != nil {
		return asStale(err)
	}
	h.releases = append(h.releases, release)
	if h.files, err = h.tree.db.SampleFiles(ctx, ids); err != nil {
		return asStale(err)
	}
	if err := h.holdFiles(); err != nil {
		return err
	}
	// Rows go before files do: if all rows are still there, no file was unlinked
	// by rotation before it was held. One that is missing all the same is
	// damage, and costs only the bytes that it held.
	_, err = h.tree.db.SampleFiles(ctx, ids)
	return asStale(err)
}

func asStale(err error) error {
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return fmt.Errorf("%w: %w", errStale, err)
	}
	return err
}

// holdFiles holds the sample files that are there.
func (h *handle) holdFiles() error {
	names := make(map[moonfirefs.SampleDirID][]uuid.UUID)
	for _, f := range h.files {
		names[f.Dir] = append(names[f.Dir], f.UUID)
	}
	for id, names := range names {
		dir := h.tree.dirs[id]
		if dir == nil {
			continue // reading will tell
		}
		if release, err := dir.Hold(names); err == nil {
			h.releases = append(h.releases, release)
			continue
		}
		if err := h.holdEach(dir, names); err != nil {
			return err
		}
	}
	return nil
}

// holdEach holds what it can of files of which one is damaged at least.
func (h *handle) holdEach(dir *sample.Dir, names []uuid.UUID) error {
	for i := range names {
		release, err := dir.Hold(names[i : i+1])
		if err == nil {
			h.releases = append(h.releases, release)
		} else if errno(err) != syscall.EIO {
			return err // out of descriptors: the file itself may be sound
		}
	}
	return nil
}

func (h *handle) release() {
	h.releaseOnce.Do(func() {
		for _, release := range h.releases {
			release()
		}
	})
}

// Release is called when the last descriptor is closed.
func (h *handle) Release(context.Context) syscall.Errno {
	h.tree.dropHandle(h)
	h.release()
	return 0
}

// Read never answers short, except at the end of the file: the kernel takes a
// short answer for the end and lowers its idea of the size, which would make a
// silently truncated copy.
//
// A request that is interrupted is carried out all the same. Every signal to the
// program that reads interrupts, and reads that then fail would be surprising.
func (h *handle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	dest = dest[:min(int64(len(dest)), max(0, h.mp4.Size()-off))]
	answer, err := h.read(context.WithoutCancel(ctx), dest, off)
	if err != nil {
		return nil, h.tree.fail("read", err)
	}
	h.tree.counters.Reads.Add(1)
	h.tree.counters.ReadBytes.Add(int64(len(dest)))
	return answer, 0
}

func (h *handle) read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, error) {
	if recording, offset, ok := h.mp4.SampleRange(off, len(dest)); ok {
		return h.pass(recording, offset, dest)
	}
	if len(dest) > 0 {
		if err := h.mp4.ReadAt(ctx, h, dest, off); err != nil {
			return nil, err
		}
	}
	return fuse.ReadResultData(dest), nil
}

// open returns the sample file of a recording, to be released.
func (h *handle) open(recording int) (*sample.File, error) {
	name := h.files[recording]
	dir := h.tree.dirs[name.Dir]
	if dir == nil {
		return nil, h.broken(recording, fmt.Errorf("sample directory %d is not open", name.Dir))
	}
	file, err := dir.Open(name.UUID, h.mp4.SampleFileBytes(recording))
	return file, h.broken(recording, err)
}

func (h *handle) broken(recording int, err error) error {
	if err == nil {
		return nil
	}
	return &recordingError{h.recordings[recording].ID, err}
}

// VideoIndex implements mp4.Source.
func (h *handle) VideoIndex(ctx context.Context, recording int) ([]byte, error) {
	blob, err := h.tree.db.VideoIndex(ctx, h.recordings[recording].ID)
	return blob, h.broken(recording, err)
}

// AudioIndex implements mp4.Source.
func (h *handle) AudioIndex(ctx context.Context, recording int) ([]byte, error) {
	blob, err := h.tree.db.AudioIndex(ctx, h.recordings[recording].ID)
	return blob, h.broken(recording, err)
}

// ReadSamples implements mp4.Source.
func (h *handle) ReadSamples(_ context.Context, recording int, p []byte, offset int64) error {
	file, err := h.open(recording)
	if err != nil {
		return err
	}
	defer file.Release()
	return h.broken(recording, file.ReadAt(p, offset))
}
