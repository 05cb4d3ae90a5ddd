// SPDX-License-Identifier: GPL-3.0-or-later

// Package testcamera plays an IP camera: an RTSP server on loopback whose
// pictures are drawn in Go and encoded by an ffmpeg child process. Tests record
// from it, and so does "moonfirefs demo".
//
// Its nouns:
//
//   - Params: what the pictures are: size, rate, distance of key frames, codec.
//   - Media: pictures encoded beforehand, faster than they play. A camera repeats
//     them for ever.
//   - Live: pictures encoded as they play, so that their clock is right.
//   - Camera: the server. It plays Media or Live whether or not anybody is
//     connected, as real cameras do: a client joins wherever the pictures are,
//     most often not at a key frame.
//   - SentFrame: what a camera remembers of each frame that it sent to a client.
//
// Each picture shows a moving square, its number and a clock for people, and
// its number once more as a strip of black and white blocks for ReadCounter.
//
// Cameras misbehave when told to: Stop, Restart, Stall, Resume. How the recorder
// copes does not belong here. No test outside this package needs to know about
// RTP.
package testcamera
