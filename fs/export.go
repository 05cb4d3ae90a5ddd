package fs

import (
	"context"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// Clip is one part of a clip, open outside of any mount. It holds what it needs
// until it is closed, whatever rotation takes away meanwhile.
type Clip struct {
	handle *handle
	parts  int
	end90k moonfirefs.Time90k
}

// OpenClip opens a part, counted from 1, of an interval of the stream with the
// given folder. The bytes are those of the clip of that name in a mount with the
// same options; Mountpoint and owners are of no use. It returns an error that
// wraps moonfirefs.ErrNotFound if there is no such footage.
func OpenClip(ctx context.Context, o Options, folder string, start, end moonfirefs.Time90k, part int) (*Clip, error) {
	c, err := openClip(ctx, o, folder, moonfirefs.Interval{Start90k: start, End90k: end}, part)
	if err != nil {
		return nil, fmt.Errorf("open clip of %s: %w", folder, err)
	}
	return c, nil
}

func openClip(ctx context.Context, o Options, folder string, interval moonfirefs.Interval, part int) (*Clip, error) {
	t, err := newTree(ctx, o)
	if err != nil {
		return nil, err
	}
	now, err := t.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	state := now.folder(folder)
	if state == nil {
		return nil, moonfirefs.ErrNotFound
	}
	parts, err := t.clipParts(ctx, state.stream, interval)
	if err != nil {
		return nil, err
	}
	if part < 1 || part > len(parts) {
		return nil, fmt.Errorf("part %d of %d: %w", part, len(parts), moonfirefs.ErrNotFound)
	}
	members := parts[part-1]
	spec, err := t.clipSpec(ctx, state.stream, interval, members)
	if err != nil {
		return nil, err
	}
	opened, err := openHandle(ctx, t, spec)
	if err != nil {
		return nil, err
	}
	return &Clip{opened, len(parts), min(interval.End90k, members[len(members)-1].End90k())}, nil
}

// Size is that of the whole file, in bytes.
func (c *Clip) Size() int64 { return c.handle.mp4.Size() }

// Parts is the number of files that the interval takes: one for each codec
// configuration in a row.
func (c *Clip) Parts() int { return c.parts }

// End90k is when the last footage in it ends: the file's time stamp in a mount.
func (c *Clip) End90k() moonfirefs.Time90k { return c.end90k }

// ReadAt reads exactly len(p) bytes at an offset, or fails.
func (c *Clip) ReadAt(ctx context.Context, p []byte, off int64) error {
	return c.handle.mp4.ReadAt(ctx, c.handle, p, off)
}

// Close gives up what is held. It is idempotent.
func (c *Clip) Close() error {
	c.handle.tree.dropHandle(c.handle)
	c.handle.release()
	return nil
}

// IndexJSON returns what index.json says in a mount with the same options: of all
// cameras, or of the stream with the given folder, recordings included. It returns
// an error that wraps moonfirefs.ErrNotFound if there is no such folder.
func IndexJSON(ctx context.Context, o Options, folder string) ([]byte, error) {
	t, err := newTree(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("make index.json: %w", err)
	}
	key := pageKey{0, jsonName}
	if folder != "" {
		now, err := t.snapshot(ctx)
		if err != nil {
			return nil, fmt.Errorf("make index.json: %w", err)
		}
		state := now.folder(folder)
		if state == nil {
			return nil, fmt.Errorf("make index.json of %s: %w", folder, moonfirefs.ErrNotFound)
		}
		key.stream = state.id
	}
	source, err := t.pages.source(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("make index.json: %w", err)
	}
	_, content, err := t.pages.make(ctx, key, source)
	return content, err
}
