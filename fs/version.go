package fs

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// rootInode is the inode number of the root folder, as in other file systems.
const rootInode = 1

// identity collects what makes a thing in the tree what it is. Each value is
// written with a fixed length or with its length before it, so that different
// sequences of values never give the same bytes.
type identity []byte

func (i identity) number(n int64) identity { return binary.BigEndian.AppendUint64(i, uint64(n)) }

func (i identity) text(s string) identity { return append(i.number(int64(len(s))), s...) }

// inode derives the inode number: the same in every process and on every
// machine. With 64 bits of a digest, a store that shows a billion versions in
// its lifetime has two of the same number with a probability of 3 %, and the two
// would have to be in the kernel's cache at the same time to do harm.
func (i identity) inode() uint64 {
	digest := sha256.Sum256(i)
	for word := digest[:]; len(word) > 0; word = word[8:] {
		// 0 means "no inode" to many programs, 1 is the root, and go-fuse uses
		// all ones itself.
		if n := binary.BigEndian.Uint64(word); n > rootInode && n != math.MaxUint64 {
			return n
		}
	}
	panic("a SHA-256 digest of four reserved words")
}

// folderInode is the inode number of a stream's folder.
func folderInode(s *stream) uint64 {
	return identity{}.text("folder").text(s.camera.String()).text(string(s.kind)).inode()
}

// dayInode is the inode number of a date's folder.
func dayInode(s *stream, d civil.Date) uint64 {
	return identity{}.text("day").text(s.camera.String()).text(string(s.kind)).text(d.String()).inode()
}

// clipsInode is the inode number of a stream's folder of clips.
func clipsInode(s *stream) uint64 {
	return identity{}.text("clips").text(s.camera.String()).text(string(s.kind)).inode()
}

// fileInode is the inode number of one version of the file of an hour.
func fileInode(s *stream, h civil.Hour, part int, spec *mp4.Spec) uint64 {
	return versionInode("file", s, h.Interval, part, spec)
}

// clipInode is the inode number of one version of a clip. What is cut off its
// recordings follows from them and the interval.
func clipInode(s *stream, interval moonfirefs.Interval, part int, spec *mp4.Spec) uint64 {
	kind := "clip"
	if spec.IsCut() {
		kind = "cut clip"
	}
	return versionInode(kind, s, interval, part, spec)
}

// versionInode stands for everything on which the bytes, the size and the time
// stamps of a version depend. Recordings are immutable and their ids are never
// used again.
func versionInode(kind string, s *stream, interval moonfirefs.Interval, part int, spec *mp4.Spec) uint64 {
	i := make(identity, 0, 256+8*len(spec.Recordings)).text(kind).text(s.camera.String()).text(string(s.kind)).
		number(int64(interval.Start90k)).number(int64(interval.End90k)).number(int64(part)).
		number(mp4.FormatVersion).number(int64(spec.Gaps)).number(flag(spec.Timestamps)).
		text(spec.Zone.String()).text(spec.Title).text(spec.Description).
		number(int64(len(spec.Recordings)))
	for _, r := range spec.Recordings {
		i = i.number(int64(r.ID))
	}
	return i.inode()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// parts cuts the recordings of an hour where the sample entry of the video changes,
// or that of the audio to another one: each part is a file of its own, since players
// do not cope with a change within a file. A recording without audio fits anywhere.
func parts(recordings []moonfirefs.Summary) [][]moonfirefs.Summary {
	var parts [][]moonfirefs.Summary
	start, audio := 0, moonfirefs.AudioSampleEntryID(0)
	for i := range recordings {
		next := recordings[i].Audio.SampleEntry
		otherAudio := audio != 0 && next != 0 && next != audio
		if i > start && (otherAudio || recordings[i].VideoSampleEntry != recordings[start].VideoSampleEntry) {
			parts = append(parts, recordings[start:i])
			start, audio = i, 0
		}
		audio = cmp.Or(audio, next)
	}
	if start < len(recordings) {
		parts = append(parts, recordings[start:])
	}
	return parts
}
