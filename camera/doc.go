// SPDX-License-Identifier: GPL-3.0-or-later

// Package camera reads the video and the audio of an IP camera, from the connection to a
// stream of frames in the form in which sample files hold them.
//
// Its nouns:
//
//   - Session: one connection to one stream of a camera. Open makes it, Next
//     yields its frames, Close ends it.
//   - Frame: one access unit of H.264 or H.265, as NAL units with a 4-byte length
//     field (ISO 14496-15 §5.3.4.2, §8.3.4), its time stamp, the video sample
//     entry that a decoder needs for it, and the audio that came with it.
//
// A session has no goroutine: Next does what there is to do, among it what keeps the
// session alive, so it should be called again soon. What it returns is the caller's, for
// ever. Close and the cancelling of the context are safe from any goroutine, and make a
// blocked call return.
//
// What a camera can make a session keep is bounded by MaxSessionBytes.
//
// How RTSP and RTP work is known to packages internal/rtsp and internal/rtp. When to
// connect again, what to do with frames, and clocks do not belong here. See
// design/cameras.md.
package camera
