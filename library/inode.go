// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// RootInode is the inode number of the root folder, as in other file systems.
const RootInode = 1

// identity collects what makes a thing in the tree what it is. Each value is written
// with a fixed length or with its length before it, so that different sequences of
// values never give the same bytes.
type identity []byte

func (i identity) number(n int64) identity { return binary.BigEndian.AppendUint64(i, uint64(n)) }

func (i identity) text(s string) identity { return append(i.number(int64(len(s))), s...) }

func (i identity) flag(b bool) identity {
	if b {
		return i.number(1)
	}
	return i.number(0)
}

func (i identity) stream(s *Stream) identity { return i.text(s.Camera.String()).text(string(s.Kind)) }

// inode derives the inode number: the same in every process and on every machine. With
// 64 bits of a digest, a store that shows a billion versions in its lifetime has two of
// the same number with a probability of 3 %, and the two would have to be in the
// kernel's cache at the same time to do harm.
func (i identity) inode() uint64 { return inodeOf(sha256.Sum256(i)) }

// inodeWith is the inode of what i and a text make, which it does not copy: it may be
// megabytes.
func (i identity) inodeWith(text []byte) uint64 {
	h := sha256.New()
	_, _ = h.Write(i.number(int64(len(text)))) // never fails
	_, _ = h.Write(text)
	return inodeOf([sha256.Size]byte(h.Sum(nil)))
}

func inodeOf(digest [sha256.Size]byte) uint64 {
	for word := digest[:]; len(word) > 0; word = word[8:] {
		// 0 means "no inode" to many programs, 1 is the root, and go-fuse uses all ones
		// itself.
		if n := binary.BigEndian.Uint64(word); n > RootInode && n != math.MaxUint64 {
			return n
		}
	}
	panic("a SHA-256 digest of four reserved words")
}

// StreamInode is the inode number of a stream's folder.
func StreamInode(s *Stream) uint64 { return identity{}.text("folder").stream(s).inode() }

// DateInode is the inode number of a date's folder.
func DateInode(s *Stream, d civil.Date) uint64 {
	return identity{}.text("day").stream(s).text(d.String()).inode()
}

// ClipsInode is the inode number of a stream's folder of clips.
func ClipsInode(s *Stream) uint64 { return identity{}.text("clips").stream(s).inode() }

// AllClipsInode is the inode number of the folder of intervals in the root.
func AllClipsInode() uint64 { return identity{}.text("all clips").inode() }

// TogetherInode is the inode number of the folder of an interval.
func TogetherInode(i moonfirefs.Interval) uint64 {
	return identity{}.text("together").number(int64(i.Start90k)).number(int64(i.End90k)).inode()
}

// AlbumInode is the inode number of a folder that somebody offers in a stream's folder.
func AlbumInode(s *Stream, folder string) uint64 {
	return identity{}.text("album").stream(s).text(folder).inode()
}

// AlbumDateInode is the inode number of the folder of a date in it.
func AlbumDateInode(s *Stream, folder string, d civil.Date) uint64 {
	return identity{}.text("album date").stream(s).text(folder).text(d.String()).inode()
}

// LiveInode is the inode number of a stream's folder of what happens now.
func LiveInode(s *Stream) uint64 { return identity{}.text("live").stream(s).inode() }

// KeptInode is the inode number of the folder of kept footage.
func KeptInode() uint64 { return identity{}.text("saved").inode() }

// EmptyInode is the inode number of an empty file in the root.
func EmptyInode(name string) uint64 { return identity{}.text("probe").text(name).inode() }

// PageInode is the inode number of one version of an index page. The stream, nil for a page
// of the root, tells apart those of which there is equally much to say.
func PageInode(stream *Stream, name string, modified90k moonfirefs.Time90k, content []byte) uint64 {
	i := identity{}.text("page")
	if stream != nil {
		i = i.stream(stream)
	}
	return i.text(name).number(int64(modified90k)).inodeWith(content)
}

// PageNameInode is the number that a listing has for a page whatever its version, which
// is not known before the page is made.
func PageNameInode(stream *Stream, name string) uint64 {
	i := identity{}.text("page name")
	if stream != nil {
		i = i.stream(stream)
	}
	return i.text(name).inode()
}

// CompanionInode is the inode number of one version of a file that somebody offers beside
// those of the catalog; id tells apart such files of the same content.
func CompanionInode(id string, modified90k moonfirefs.Time90k, content []byte) uint64 {
	return identity{}.text("companion").text(id).number(int64(modified90k)).inodeWith(content)
}

// versionInode stands for everything on which the bytes, the size and the time stamps of
// a version depend. Recordings are immutable and their ids are never used again; what is
// cut off the recordings of a clip follows from them and its interval, and what a time lapse
// shows of them from its pace as well, which is in its title. A recording in
// progress is the same for as long as it has as many samples and the same start.
func versionInode(s *Stream, v *Version, spec *mp4.Spec, p *present) uint64 {
	kind := "file"
	switch {
	case v.pace > 0:
		kind = "time lapse"
	case spec.IsCut():
		kind = "cut clip"
	case v.clip:
		kind = "clip"
	}
	i := make(identity, 0, 256+8*len(spec.Recordings)).text(kind).stream(s).
		number(int64(v.Interval.Start90k)).number(int64(v.Interval.End90k)).number(int64(v.Part)).
		number(mp4.FormatVersion).number(int64(spec.Gaps)).flag(spec.Timestamps).
		text(spec.Zone.String()).text(spec.Title).text(spec.Description).
		number(int64(len(spec.Recordings)))
	for k := range spec.Recordings {
		id := spec.Recordings[k].ID
		i = i.number(int64(id))
		if r := p.of(id); r != nil {
			mark := r.Mark()
			i = i.text(mark.File.UUID.String()).number(int64(mark.Pieces)).number(int64(mark.Start90k))
		}
	}
	return i.inode()
}

// damagedInode is the inode number of a version that cannot be opened.
func damagedInode(s *Stream, v *Version) uint64 {
	return identity{}.text("damaged").flag(v.clip).stream(s).
		number(int64(v.Interval.Start90k)).number(int64(v.Interval.End90k)).number(int64(v.Part)).
		number(v.SizeBytes).number(int64(v.Modified90k)).inode()
}

// Fingerprint identifies the names of a listing and what they stand for. It is 0 if one
// of them may stand for something else at any moment.
func (d *Day) Fingerprint() uint64 {
	i := make(identity, 0, 1024)
	for n := range d.Versions {
		v := &d.Versions[n]
		if v.Growing {
			return 0
		}
		i = i.text(v.Name).number(int64(v.Inode))
	}
	return i.inode()
}
