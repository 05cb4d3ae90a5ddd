package fs

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
)

// savedName is the name of savedFolder in the root.
const savedName = "saved"

// saved is the footage of a stream that somebody keeps. It is immutable.
type saved struct{ intervals []savedInterval }

// savedInterval is footage with a name of its own: a clip that rotation spares.
type savedInterval struct {
	name string
	moonfirefs.Interval
}

// share returns s, or last if that is the same: so that states can be compared
// by ==.
func (s *saved) share(last *saved) *saved {
	if last != nil && slices.Equal(last.intervals, s.intervals) {
		return last
	}
	return s
}

// file names a part of kept footage: "burglary.mp4", then "burglary-2.mp4". No
// two kept intervals can have a file of the same name: index.DB.Keep sees to it.
func (i *savedInterval) file(part int) string {
	if part > 1 {
		return fmt.Sprintf("%s-%d%s", i.name, part, extension)
	}
	return i.name + extension
}

var laterPart = regexp.MustCompile(`^(.+)-([1-9]\d{0,2})$`)

// find returns the part of kept footage that a file name stands for.
func (s *snapshot) find(file string) (state *streamState, interval moonfirefs.Interval, part int, ok bool) {
	name, ok := strings.CutSuffix(file, extension)
	if !ok {
		return nil, moonfirefs.Interval{}, 0, false
	}
	if state, interval, ok = s.kept(name); ok {
		return state, interval, 1, true
	}
	if m := laterPart.FindStringSubmatch(name); m != nil {
		state, interval, ok = s.kept(m[1])
		part, _ = strconv.Atoi(m[2]) // three digits
		return state, interval, part, ok && part > 1
	}
	return nil, moonfirefs.Interval{}, 0, false
}

func (s *snapshot) kept(name string) (*streamState, moonfirefs.Interval, bool) {
	for _, state := range s.streams {
		for i := range state.saved.intervals {
			if state.saved.intervals[i].name == name {
				return state, state.saved.intervals[i].Interval, true
			}
		}
	}
	return nil, moonfirefs.Interval{}, false
}

// savedGrows tells whether kept footage may get more recordings.
func (s *streamState) savedGrows(interval moonfirefs.Interval) bool {
	return !s.recorded || interval.End90k > s.newest.Start90k
}

// savedFolder shows what somebody keeps: clips under names of their own. They are
// the same files as in the folder of clips, inode numbers included.
type savedFolder struct {
	node
	tree *tree
}

var (
	_ gofs.NodeLookuper  = (*savedFolder)(nil)
	_ gofs.NodeReaddirer = (*savedFolder)(nil)
	_ gofs.NodeGetattrer = (*savedFolder)(nil)
)

var savedInode = identity{}.text("saved").inode()

// enter answers a lookup in the root.
func (f *savedFolder) enter(ctx context.Context, now *snapshot, parent gofs.InodeEmbedder, out *fuse.EntryOut) *gofs.Inode {
	f.fill(now, &out.Attr)
	out.SetEntryTimeout(folderEntry)
	out.SetAttrTimeout(folderEntry)
	return parent.EmbeddedInode().NewInode(ctx, f, gofs.StableAttr{Mode: fuse.S_IFDIR, Ino: savedInode})
}

// fill gives the folder the time stamp of its newest content, or the store's.
func (f *savedFolder) fill(now *snapshot, out *fuse.Attr) {
	modified := moonfirefs.MinTime90k
	for _, s := range now.streams {
		for _, i := range s.saved.intervals {
			modified = max(modified, min(i.End90k, s.end90k))
		}
	}
	if modified == moonfirefs.MinTime90k {
		modified = f.tree.db.Meta().Created90k
	}
	f.tree.owner.folder(out, savedInode, modified)
}

func (f *savedFolder) Getattr(ctx context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	now, err := f.tree.snapshot(context.WithoutCancel(ctx))
	if err != nil {
		return f.tree.fail("stat saved footage", err)
	}
	f.fill(now, &out.Attr)
	out.SetTimeout(folderEntry)
	return 0
}

func (f *savedFolder) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	now, err := f.tree.snapshot(ctx)
	if err != nil {
		return nil, f.tree.fail("look up saved footage", err)
	}
	state, interval, part, ok := now.find(name)
	if !ok {
		return nil, syscall.ENOENT
	}
	found, ok, err := f.tree.clip(ctx, state.stream, interval, part)
	if err != nil {
		return nil, f.tree.fail("look up saved footage", err)
	}
	if !ok {
		return nil, syscall.ENOENT
	}
	file := &clipFile{tree: f.tree, stream: state.stream, clip: found}
	return file.enter(ctx, f, state.savedGrows(interval), out), 0
}

func (f *savedFolder) Readdir(ctx context.Context) (gofs.DirStream, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	now, err := f.tree.snapshot(ctx)
	if err != nil {
		return nil, f.tree.fail("list saved footage", err)
	}
	var entries []entry
	for _, s := range now.streams {
		files, err := f.tree.savedFiles(ctx, s)
		if err != nil {
			return nil, f.tree.fail("list saved footage", err)
		}
		for _, file := range files {
			entries = append(entries, entry{file.name, file.clip.inode, fuse.S_IFREG})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return listing(savedInode, rootInode, entries), 0
}

// savedFile is a file of kept footage. Footage whose interval has none yet, or
// lost all of it before it was kept, has no file.
type savedFile struct {
	name string
	clip clip
}

// savedFiles lists the files of a stream's kept footage, with a query for each
// interval.
func (c *catalog) savedFiles(ctx context.Context, s *streamState) (files []savedFile, err error) {
	for i := range s.saved.intervals {
		interval := &s.saved.intervals[i]
		clips, err := c.clips(ctx, s.stream, interval.Interval)
		if err != nil {
			return nil, err
		}
		for _, found := range clips {
			files = append(files, savedFile{interval.file(found.part), found})
		}
	}
	return files, nil
}

// keptOf lists what is kept of each stream.
func keptOf(kept []moonfirefs.Kept) map[moonfirefs.StreamID][]savedInterval {
	of := make(map[moonfirefs.StreamID][]savedInterval)
	for _, k := range kept {
		of[k.Stream] = append(of[k.Stream], savedInterval{k.Name, moonfirefs.Interval{Start90k: k.Start90k, End90k: k.End90k}})
	}
	return of
}
