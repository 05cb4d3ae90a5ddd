// SPDX-License-Identifier: GPL-3.0-or-later

package live

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/journal"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/mp4"
)

const (
	// segment90k is how long a segment lasts, if no key frame comes before.
	segment90k moonfirefs.Duration90k = moonfirefs.UnitsPerSecond / 2
	// leastSegment90k is how long it lasts even if one comes.
	leastSegment90k moonfirefs.Duration90k = moonfirefs.UnitsPerSecond / 10
	// maxSegmentBytes bounds what is read into memory for one.
	maxSegmentBytes = 64 << 20
)

// segment is a part of a take. It is immutable.
type segment struct {
	name        string
	sequence    int64
	inode       uint64
	start90k    moonfirefs.Time90k
	duration90k moonfirefs.Duration90k
	config      config
	// timeline is when the time line began on which it lies.
	timeline moonfirefs.Time90k
	// sync says that it begins with a key frame; discontinuous that it does not go on
	// where the one before it ends.
	sync, discontinuous bool

	file   moonfirefs.SampleFile
	header []byte
	// offset is where its samples begin in the sample file, sizeBytes how much they are.
	offset, sizeBytes int64
}

// boundary counts the pieces of the next segment; 0 if that is not complete.
func boundary(rest []journal.Piece, ended bool) int {
	var duration90k moonfirefs.Duration90k
	begun := false
	for i := range rest {
		if rest[i].Audio != nil {
			continue
		}
		s := &rest[i].Video
		if begun && (duration90k >= segment90k || s.Sync && duration90k >= leastSegment90k) {
			return i
		}
		begun, duration90k = true, duration90k+moonfirefs.Duration90k(s.Duration90k)
	}
	if ended || duration90k >= segment90k {
		return len(rest)
	}
	return 0
}

// cursor is how far a take has been cut.
type cursor struct {
	take *take
	// config is that of the segments to come.
	config config
	// timeline is when the time line of its segments began, base90k where the take begins on
	// it.
	timeline, base90k moonfirefs.Time90k
	done              int
	offset            int64
	// video90k and audio90k are the durations of what has been cut.
	video90k, audio90k moonfirefs.Duration90k
	discontinuous      bool
}

// grow goes on with more of the take. Its configuration may turn out to be another one.
func (c *cursor) grow(t *take) {
	c.take = t
	if !t.waitsForAudio() && !c.config.same(t.config) {
		c.config, c.discontinuous = t.config, true
	}
}

// next cuts the next segment; nil if that is not complete.
func (c *cursor) next(sequence int64) *segment {
	rest := c.take.pieces[min(c.done, len(c.take.pieces)):]
	n := boundary(rest, c.take.ended)
	if n == 0 {
		return nil
	}
	s := &segment{
		sequence: sequence, start90k: c.take.start90k.Add(c.video90k), config: c.config, timeline: c.timeline,
		sync: rest[0].Audio == nil && rest[0].Video.Sync, discontinuous: c.discontinuous, file: c.take.file, offset: c.offset,
	}
	fragment := &mp4.Fragment{
		Sequence: uint32(sequence), VideoTime90k: c.base90k.Add(c.video90k),
		AudioTime90k: c.base90k.Add(c.take.audioStart90k + c.audio90k), Runs: runs(rest[:n]),
	}
	for i := range rest[:n] {
		c.pass(s, &rest[i])
	}
	c.done, c.discontinuous = c.done+n, false
	s.header = fragment.Header()
	id := binary.BigEndian.AppendUint64(append([]byte(nil), s.header...), uint64(s.offset))
	s.inode = inode("segment", append(id, s.file.UUID[:]...), s.start90k)
	s.name = fmt.Sprintf("%d-%08x.m4s", sequence, uint32(s.inode))
	return s
}

// pass counts a piece that s has.
func (c *cursor) pass(s *segment, p *journal.Piece) {
	c.offset += p.SizeBytes
	s.sizeBytes += p.SizeBytes
	if p.Audio == nil {
		c.video90k += moonfirefs.Duration90k(p.Video.Duration90k)
		s.duration90k += moonfirefs.Duration90k(p.Video.Duration90k)
		return
	}
	for _, a := range p.Audio.Samples {
		c.audio90k += moonfirefs.Duration90k(a.Duration90k)
	}
}

// runs puts pieces of one kind together.
func runs(pieces []journal.Piece) (all []mp4.FragmentRun) {
	for i := range pieces {
		if p := &pieces[i]; p.Audio != nil {
			all = append(all, mp4.FragmentRun{Audio: p.Audio.Samples})
			continue
		}
		if last := len(all) - 1; last < 0 || len(all[last].Audio) > 0 {
			all = append(all, mp4.FragmentRun{})
		}
		last := &all[len(all)-1]
		last.Video = append(last.Video, pieces[i].Video)
	}
	return all
}

// read returns the bytes of the segment.
func (s *segment) read(l *Live) ([]byte, error) {
	file, err := l.finder.Open(s.file)
	if err != nil {
		// Its recording was deleted, or given up.
		return nil, fmt.Errorf("%w: %w", library.ErrStale, err)
	}
	defer file.Release()
	content := make([]byte, int64(len(s.header))+s.sizeBytes)
	copy(content, s.header)
	_, err = io.ReadFull(io.NewSectionReader(file.Reader(), s.offset, s.sizeBytes), content[len(s.header):])
	return content, err
}

// asFile is the segment as a file.
func (s *segment) asFile(l *Live) *File {
	return &File{
		Inode: s.inode, SizeBytes: int64(len(s.header)) + s.sizeBytes, Modified90k: s.start90k.Add(s.duration90k),
		Content: func(context.Context) ([]byte, error) { return s.read(l) },
	}
}
