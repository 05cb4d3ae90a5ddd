// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"math"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// recoveryPatience is how long a key frame is waited for while there are recovery points.
const recoveryPatience = 5 * time.Second

// recovery decides whether a stream is recorded, and cut, at recovery points. There are
// encoders that spread what a key frame has over many pictures (gradual intra refresh), to
// keep their bit rate even; decoding can start at a recovery point (ITU-T H.264 §D.2.8,
// ITU-T H.265 §D.3.8), and yields whole pictures after a number of them. A stream with key
// frames is not meant: where those come, they are better.
//
// The zero value knows nothing. It may be used by several sessions, of one camera.
type recovery struct {
	mu sync.Mutex // guards the following
	// active says that recovery points are used, distance is that of the first one.
	active   bool
	distance int16
	// made is the sample entry that was made of base, for this case.
	base, made *moonfirefs.VideoSampleEntry
}

// accepts tells whether a recovery point is used, since when no key frame has come.
func (r *recovery) accepts(distance int16, keyFrame, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.active && now.Sub(keyFrame) >= recoveryPatience {
		r.active, r.distance = true, distance
	}
	return r.active
}

// keyFrame notes that a key frame has come, and when the one before did.
func (r *recovery) keyFrame(before, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active = r.active && now.Sub(before) >= recoveryPatience
}

// entry returns the sample entry for a configuration.
func (r *recovery) entry(base *moonfirefs.VideoSampleEntry) *moonfirefs.VideoSampleEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.active:
		return base
	case r.base != base:
		r.base, r.made = base, base.WithRecovery(r.distance)
	}
	return r.made
}

// recoveryPointSEI is the payload type of a recovery point (ITU-T H.264 §D.1.1, ITU-T
// H.265 §D.2.1).
const recoveryPointSEI = 6

// recoveryMessage finds the recovery point in an SEI NAL unit whose header has a number of
// bytes (ITU-T H.264 §7.3.2.3.1, ITU-T H.265 §7.3.5). It returns a reader of its payload.
func recoveryMessage(unit []byte, headerBytes int) (message *rbspReader, ok bool) {
	r := newRBSPReader(unit, 8*headerBytes)
	number := func() (n uint32) { // bytes of 0xff, and a last one
		for !r.failed {
			b := r.number(8)
			n += b
			if b != 0xff {
				break
			}
		}
		return n
	}
	for !r.failed && len(r.data)-r.bit/8 > 2 { // more than trailing bits
		kind, size := number(), number()
		if r.failed || uint64(size) > uint64(len(r.data)-r.bit/8) {
			break
		}
		if kind == recoveryPointSEI {
			return &rbspReader{data: r.data[r.bit/8:][:size]}, true
		}
		r.skip(int(size))
	}
	return nil, false
}

// boundedDistance is a roll distance that fits its field.
func boundedDistance(n uint32) int16 { return int16(min(n, math.MaxInt16)) }
