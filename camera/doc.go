// Package camera reads the video of an IP camera: an RTSP session (RFC 2326)
// through libavformat, from the connection to a stream of frames in the form
// in which sample files hold them.
//
// Its nouns:
//
//   - Session: one connection to one stream of a camera. Open makes it, Next
//     yields its frames, Close ends it.
//   - Frame: one access unit of H.264 or H.265, as NAL units with a 4-byte length
//     field (ISO 14496-15 §5.3.4.2, §8.3.4), its time stamp, and the video sample
//     entry that a decoder needs for it.
//
// It is the only package that imports go-astiav, and all memory that C owns
// stays inside it: what it hands out is the caller's, for ever.
//
// Caveats. The libavformat of a session is driven by one goroutine at a time, and
// while frames are read by a thread of its own; Close and the cancelling of the context
// are safe from any goroutine, and make a blocked call return. libavformat reports an access unit when the next one
// begins, so frames arrive one frame interval late. Its log is one for the
// whole process: the first Open directs it to slog.Default.
//
// When to connect again, what to do with frames, and clocks do not belong here.
// See design/cameras.md.
package camera
