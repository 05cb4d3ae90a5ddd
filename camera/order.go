// SPDX-License-Identifier: GPL-3.0-or-later

package camera

// maxReorder is the most that any level lets a decoder keep pictures back
// (MaxDpbFrames, ITU-T H.264 §A.3.1; MaxDpbSize, ITU-T H.265 §A.4.2).
const maxReorder = 16

// Order is what a camera says about the order in which frames are shown, as
// opposed to that in which they are sent and decoded. The zero value belongs to
// cameras that send frames as they show them, which is to say most.
type Order struct {
	// Lookahead is how many frames have to be known that were sent after a frame,
	// before all are known that are shown before it (max_num_reorder_frames,
	// ITU-T H.264 §E.2.1; sps_max_num_reorder_pics, ITU-T H.265 §7.4.3.2.1).
	Lookahead int
	// MayGoBack says that the frame may be shown before one that was sent
	// earlier. Where it may not, a time stamp that goes back is a fault.
	MayGoBack bool
	// RASL says that the frame is shown before the sync sample that was sent last,
	// and depends on frames that were sent before that one (random access skipped
	// leading picture, ITU-T H.265 §3.124).
	RASL bool
}
