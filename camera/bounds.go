// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"unsafe"

	"github.com/moonfirefs/moonfirefs/internal/rtp"
	"github.com/moonfirefs/moonfirefs/internal/rtsp"
)

// What a camera can make the process keep, whatever it announces and sends. All of it is
// taken from the camera's Memory: what does not depend on the size of its pictures when a
// session begins, access units and audio as they grow, and frames when they are queued.
const (
	// MaxCameraBytes bounds all of it, of the main and the sub stream together.
	MaxCameraBytes = 64 << 20
	// UnderwayBytes is what frames that wait for the disk leave for access units that are
	// being received: one of maxAccessUnitBytes, or two of cameras that exist.
	UnderwayBytes = 12 << 20
	// sessionBytes is what a session takes when it begins.
	sessionBytes = 12 << 20

	// maxAccessUnitBytes bounds an access unit.
	maxAccessUnitBytes = rtp.MaxAccessUnitBytes
	// unitBytes is what it takes to refer to a NAL unit.
	unitBytes = unsafe.Sizeof([]byte(nil))
)

// fixedBytes adds up what sessionBytes is for.
const fixedBytes = rtsp.MaxBytes + // messages, and packets that wait
	2*rtp.MaxStreamBytes + // packets of the video and of the audio that are out of order
	rtp.AssemblerBytes + // an access unit, while it is small
	max(rtp.MaxAACBytes, rtp.MaxLATMBytes)*maxAudioFormats +
	maxUnits*unitBytes +
	maxSetsBytes

// These do not compile if it is more, or if two sessions and an access unit left nothing for
// frames that wait.
const (
	_ uintptr = sessionBytes - fixedBytes
	_ uintptr = MaxCameraBytes - 2*sessionBytes - 2*UnderwayBytes
)
