// SPDX-License-Identifier: GPL-3.0-or-later

package live

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/mp4"
)

const (
	// maxSegments bounds those that a ring has: a minute, as a rule. Each takes about a
	// kilobyte of memory.
	maxSegments = 128
	// listed90k and listedSegments are what a playlist has at least; it goes further back
	// to a key frame.
	listed90k      = 3 * moonfirefs.Duration90k(moonfirefs.UnitsPerSecond)
	listedSegments = 6
	// sequencesPerSecond is more than there are segments in a second, as a rule, so that
	// numbers do not go back when a program begins anew. They fit 32 bits until 2042.
	sequencesPerSecond = 8
	// sequenceEpoch is 2026-01-01, since when seconds are counted.
	sequenceEpoch = 1_767_225_600
)

// ring has the last segments of a stream.
type ring struct {
	mu       sync.Mutex // guards what follows
	segments []*segment
	cursors  map[uuid.UUID]*cursor
	// sequence is the number of the next segment; discontinuities counts those of segments
	// that have left.
	sequence        int64
	discontinuities int
}

func newRing() *ring {
	return &ring{cursors: make(map[uuid.UUID]*cursor), sequence: max(0, time.Now().Unix()-sequenceEpoch) * sequencesPerSecond}
}

// playlist moves on to the newest recordings, and lists the last segments. The error wraps
// moonfirefs.ErrNotFound if there is none.
func (r *ring) playlist(takes []*take) (*File, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.advance(takes)
	if len(r.segments) == 0 {
		return nil, moonfirefs.ErrNotFound
	}
	last := r.segments[len(r.segments)-1]
	return inMemory("playlist", r.text(), last.start90k.Add(last.duration90k)), nil
}

// advance cuts what is new. r.mu is held.
func (r *ring) advance(takes []*take) {
	cursors := make(map[uuid.UUID]*cursor, len(takes))
	var before *cursor
	for _, t := range takes {
		c := r.cursors[t.file.UUID]
		if c == nil {
			c = r.begin(t, before)
		}
		c.grow(t)
		cursors[t.file.UUID] = c
		for {
			s := c.next(r.sequence)
			if s == nil {
				break
			}
			r.add(s)
		}
		before = c
	}
	r.cursors = cursors
}

// begin begins with a take behind another one; nil for none.
func (r *ring) begin(t *take, before *cursor) *cursor {
	c := &cursor{take: t, config: t.config, timeline: t.start90k, base90k: t.start90k, discontinuous: len(r.segments) > 0}
	like := t.like
	if before != nil {
		like = before.config
	}
	if t.waitsForAudio() && like.video != nil && like.video.SHA1 == t.config.video.SHA1 {
		c.config = like // a camera has audio or none, as a rule
	}
	if before != nil && t.follows(before.take) {
		// Where a run has begun is not certain before its first recording ends; its segments
		// stay where they are.
		c.timeline, c.base90k = before.timeline, before.base90k.Add(before.take.duration90k)
		c.discontinuous = before.discontinuous || !c.config.same(before.config)
	}
	return c
}

// add adds a segment. Audio that comes late for a configuration or a time line that is over,
// and what is too large for memory, is left out.
func (r *ring) add(s *segment) {
	late := false
	if s.duration90k == 0 && len(r.segments) > 0 {
		last := r.segments[len(r.segments)-1]
		late = last.timeline != s.timeline || !last.config.same(s.config)
	}
	if late || s.sizeBytes > maxSegmentBytes {
		return
	}
	r.sequence++
	r.segments = append(r.segments, s)
	for len(r.segments) > maxSegments {
		if r.segments[0].discontinuous {
			r.discontinuities++
		}
		r.segments = r.segments[1:]
	}
}

// listed returns the index of the first segment of the playlist.
func (r *ring) listed() int {
	var duration90k moonfirefs.Duration90k
	i := len(r.segments) - 1
	for ; i > 0; i-- {
		s := r.segments[i]
		duration90k += s.duration90k
		if s.sync && duration90k >= listed90k && len(r.segments)-i >= listedSegments {
			break
		}
	}
	return i
}

// text is the playlist (RFC 8216 §4.3). Version 7 has what fragments need (§7).
func (r *ring) text() []byte {
	first := r.listed()
	discontinuities, target := r.discontinuities, 1
	for i, s := range r.segments {
		if i <= first && s.discontinuous {
			discontinuities++
		}
		if i >= first {
			target = max(target, int((s.duration90k+moonfirefs.UnitsPerSecond/2)/moonfirefs.UnitsPerSecond))
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n", target, r.segments[first].sequence)
	if discontinuities > 0 {
		fmt.Fprintf(&b, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", discontinuities)
	}
	for i, s := range r.segments[first:] {
		if i > 0 && s.discontinuous {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		if i == 0 || s.discontinuous {
			// The comment is for our page, which must know before it asks for anything.
			fmt.Fprintf(&b, "#moonfirefs-codecs %s\n#EXT-X-MAP:URI=%q\n#EXT-X-PROGRAM-DATE-TIME:%s\n", s.config.codecs(), s.config.initName(),
				s.start90k.Time().Format("2006-01-02T15:04:05.000Z"))
		}
		fmt.Fprintf(&b, "#EXTINF:%.5f,\n%s\n", s.duration90k.Duration().Seconds(), s.name)
	}
	return b.Bytes()
}

// file finds a segment, or what comes before segments.
func (r *ring) file(l *Live, name string) (*File, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	isInit := strings.HasPrefix(name, initPrefix)
	for _, s := range r.segments {
		if s.name == name {
			return s.asFile(l), nil
		}
		if isInit && s.config.initName() == name {
			return inMemory("init", mp4.InitSegment(s.config.video, s.config.audio), 0), nil
		}
	}
	return nil, moonfirefs.ErrNotFound
}

const initPrefix = "init-"

// initName names what comes before the segments of a configuration.
func (c config) initName() string {
	name := fmt.Sprintf("%s%x", initPrefix, c.video.SHA1[:4])
	if c.audio != nil {
		name += fmt.Sprintf("-%x", c.audio.SHA1[:4])
	}
	return name + ".mp4"
}

// codecs are the names of both codecs (RFC 6381).
func (c config) codecs() string {
	if c.audio == nil {
		return c.video.RFC6381Codec
	}
	return c.video.RFC6381Codec + "," + c.audio.RFC6381Codec
}
