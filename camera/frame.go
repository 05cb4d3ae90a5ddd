// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"time"
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
)

// Frame is one access unit (ITU-T H.264 §3, ITU-T H.265 §3). Frames come in
// decoding order.
type Frame struct {
	Order
	// PTS90k is the presentation time stamp in units of 1/90 000 s. Its origin
	// is arbitrary; wraps of the 32-bit RTP time stamp are undone.
	PTS90k int64
	// Arrived is when the last of the frame arrived, or up to 0.2 s later: frames that
	// were received at once have one time, which is that of the last of them. It has a
	// reading of the monotonic clock, by which alone it is exact.
	Arrived time.Time
	// Sync says that decoding can start here, with Entry and nothing else. If Entry says
	// that there are recovery points instead, pictures are complete some frames later.
	Sync bool
	// More says that another frame has come with this one: Next does not wait for it.
	More bool
	// Damaged says that packets are missing, of this frame or before it, so that frames
	// before it can be missing as well.
	Damaged bool
	// Data holds NAL units, each after its length in 4 bytes, big-endian. It
	// belongs to the caller.
	Data []byte
	// Entry is the codec configuration that is in force. The pointer stays the
	// same while the configuration does, and changes only at a sync sample. Its
	// ID is zero: it is not stored yet.
	Entry *moonfirefs.VideoSampleEntry
	// Audio is what has arrived since the frame before, in order; most of it begins
	// before this frame, some can begin before the one before.
	Audio []AudioFrame

	// audioBefore counts the samples of audio that had come when the frame was complete.
	audioBefore int64
}

// SizeBytes is what the frame and its audio take in memory.
func (f *Frame) SizeBytes() int64 {
	size := int64(unsafe.Sizeof(*f)) + int64(len(f.Data))
	for i := range f.Audio {
		size += f.Audio[i].sizeBytes()
	}
	return size
}
