// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"unsafe"

	"github.com/moonfirefs/moonfirefs/internal/rtp"
	"github.com/moonfirefs/moonfirefs/internal/rtsp"
)

// MaxSessionBytes bounds what a camera can make a session keep, whatever it announces and
// sends. What the frames take that have been returned is the caller's to bound.
const MaxSessionBytes = 32 << 20

// sessionBytes adds up the bounds of all that a session keeps.
const sessionBytes = rtsp.MaxBytes + // messages, and packets that wait
	2*rtp.MaxStreamBytes + // packets of the video and of the audio that are out of order
	rtp.MaxAssemblerBytes + // the access unit that is received
	max(rtp.MaxAACBytes, rtp.MaxLATMBytes)*maxAudioFormats +
	maxAccessUnitBytes + maxUnits*(unitBytes+lengthSize) + // frames that are ready
	maxAudioBytes + maxAudioFrames*unsafe.Sizeof(AudioFrame{}) +
	maxSetsBytes

// maxAccessUnitBytes bounds an access unit.
const maxAccessUnitBytes = rtp.MaxAccessUnitBytes

// unitBytes is what it takes to refer to a NAL unit.
const unitBytes = unsafe.Sizeof([]byte(nil))

// This does not compile if it is more.
const _ = MaxSessionBytes - sessionBytes
