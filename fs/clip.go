package fs

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// clip is one version of a clip: the first recordings of a part of an interval, cut
// at groups of pictures.
// Like file, it is small and immutable.
type clip struct {
	interval moonfirefs.Interval
	part     int
	inode    uint64
	// recordings is the number of recordings in it.
	recordings  int
	sizeBytes   int64
	modified90k moonfirefs.Time90k
}

// clip describes a part of an interval as it is now. ok is false if there is no
// footage for it.
func (c *catalog) clip(ctx context.Context, s *stream, interval moonfirefs.Interval, part int) (found clip, ok bool, err error) {
	parts, err := c.clipParts(ctx, s, interval)
	if err != nil || part > len(parts) {
		return clip{}, false, err
	}
	found, err = c.describeClip(ctx, s, interval, part, parts[part-1])
	return found, err == nil, err
}

// clips describes all parts of an interval.
func (c *catalog) clips(ctx context.Context, s *stream, interval moonfirefs.Interval) (all []clip, err error) {
	parts, err := c.clipParts(ctx, s, interval)
	if err != nil {
		return nil, err
	}
	for i, members := range parts {
		found, err := c.describeClip(ctx, s, interval, i+1, members)
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, nil
}

func (c *catalog) describeClip(ctx context.Context, s *stream, interval moonfirefs.Interval, part int, members []moonfirefs.Summary) (clip, error) {
	spec, err := c.clipSpec(ctx, s, interval, members)
	if err != nil {
		return clip{}, err
	}
	return clip{
		interval: interval, part: part, inode: clipInode(s, interval, part, spec),
		recordings: len(members), sizeBytes: mp4.Size(spec),
		modified90k: min(interval.End90k, members[len(members)-1].End90k()),
	}, nil
}

// clipParts finds the recordings that overlap an interval, with one query, and
// cuts them like those of an hour. What rotation has begun to eat is included: a
// clip is asked for by name, and nobody takes it for a whole hour.
func (c *catalog) clipParts(ctx context.Context, s *stream, interval moonfirefs.Interval) ([][]moonfirefs.Summary, error) {
	var recordings []moonfirefs.Summary
	// Whatever starts earlier than that has ended before the interval.
	from := interval.Start90k.Add(-moonfirefs.MaxRecordingDuration90k)
	err := c.db.EachSummary(ctx, s.id, from, interval.End90k, func(r *moonfirefs.Summary) error {
		if r.Start90k >= interval.Start90k || r.End90k() > interval.Start90k {
			recordings = append(recordings, *r)
		}
		return nil
	})
	return parts(recordings), err
}

// clipSpec says what a clip made of recordings is. It reads the indexes of the first
// and the last one, through the cache.
func (c *catalog) clipSpec(ctx context.Context, s *stream, interval moonfirefs.Interval, members []moonfirefs.Summary) (*mp4.Spec, error) {
	spec, err := c.spec(ctx, s, c.calendar.HourAt(interval.Start90k), members)
	if err != nil {
		return nil, err
	}
	const layout = "2006-01-02 15:04:05 -07:00"
	spec.Title = fmt.Sprintf("%s %s to %s", s.folder,
		interval.Start90k.Time().In(c.calendar.Zone).Format(layout), interval.End90k.Time().In(c.calendar.Zone).Format(layout))
	spec.Excerpt = &interval
	if err := spec.Cut(ctx, &tables{c.db, members}); errors.Is(err, moonfirefs.ErrNotFound) {
		return nil, asStale(err)
	}
	// If an index cannot be read or is damaged, the clip stays whole, which is another
	// version, and reading it will tell: nothing else, such as a listing of all that is
	// kept, shall suffer from it.
	return spec, nil
}

// tables are the indexes of recordings.
type tables struct {
	db         *index.DB
	recordings []moonfirefs.Summary
}

var _ mp4.Indexes = (*tables)(nil)

// VideoIndex implements mp4.Indexes.
func (t *tables) VideoIndex(ctx context.Context, recording int) ([]byte, error) {
	return t.db.VideoIndex(ctx, t.recordings[recording].ID)
}

// AudioIndex implements mp4.Indexes.
func (t *tables) AudioIndex(ctx context.Context, recording int) ([]byte, error) {
	return t.db.AudioIndex(ctx, t.recordings[recording].ID)
}

// clipGrows tells whether a clip may be another one from one moment to the next:
// recordings may be added to its interval, or rotation is about to be in it.
func (s *streamState) clipGrows(interval moonfirefs.Interval) bool {
	return !s.recorded || interval.End90k > s.newest.Start90k || interval.Start90k < s.eaten.through()
}

// clipFile is one version of a clip.
type clipFile struct {
	node
	tree   *tree
	stream *stream
	clip   clip
}

var (
	_ gofs.NodeGetattrer = (*clipFile)(nil)
	_ gofs.NodeOpener    = (*clipFile)(nil)
)

// enter answers a lookup in parent with f.
func (f *clipFile) enter(ctx context.Context, parent gofs.InodeEmbedder, grows bool, out *fuse.EntryOut) *gofs.Inode {
	f.fill(&out.Attr)
	out.SetAttrTimeout(immutable)
	out.SetEntryTimeout(closedEntry)
	if grows {
		out.SetEntryTimeout(growingEntry)
	}
	return parent.EmbeddedInode().NewInode(ctx, f, gofs.StableAttr{Mode: fuse.S_IFREG, Ino: f.clip.inode})
}

func (f *clipFile) fill(out *fuse.Attr) {
	f.tree.owner.file(out, f.clip.inode, f.clip.sizeBytes, f.clip.modified90k)
}

func (f *clipFile) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.fill(&out.Attr)
	out.SetTimeout(immutable)
	return 0
}

// Open opens this very version, like hourFile.Open.
func (f *clipFile) Open(ctx context.Context, flags uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	return f.tree.openVersion(ctx, flags, "open clip", f.spec)
}

// spec finds the recordings of this version.
func (f *clipFile) spec(ctx context.Context) (*mp4.Spec, error) {
	c := &f.clip
	found, err := f.tree.clipParts(ctx, f.stream, c.interval)
	if err != nil {
		return nil, err
	}
	if c.part > len(found) || c.recordings > len(found[c.part-1]) {
		return nil, f.stale()
	}
	spec, err := f.tree.clipSpec(ctx, f.stream, c.interval, found[c.part-1][:c.recordings])
	if err != nil {
		return nil, err
	}
	if clipInode(f.stream, c.interval, c.part, spec) != c.inode {
		return nil, f.stale()
	}
	return spec, nil
}

func (f *clipFile) stale() error {
	return fmt.Errorf("clip of %s from %v to %v: %w", f.stream.folder, f.clip.interval.Start90k, f.clip.interval.End90k, errStale)
}
