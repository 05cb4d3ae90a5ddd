// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

const (
	// bufferBytes is what is read at once at most, and holds any interleaved frame.
	bufferBytes = 80 << 10
	// maxHeaderBytes bounds the lines of a message before its body.
	maxHeaderBytes = 16 << 10
	// maxBodyBytes bounds the body of a message: session descriptions have some
	// thousand bytes.
	maxBodyBytes = 128 << 10
	// maxMedias and maxFormats bound what is kept of a session description.
	maxMedias  = 32
	maxFormats = 32
	// maxJunkBytes is how much may come before the first answer.
	maxJunkBytes = 64 << 10
	// maxWaitingBytes bounds the UDP packets that wait to be received, and
	// datagramBytes one of them.
	maxWaitingBytes = 2 << 20
	datagramBytes   = 64 << 10
	// maxDrainBytes is how much is read after an interruption of what has arrived
	// before it.
	maxDrainBytes = 4 << 20
	// maxRedirects bounds how often a camera may send us elsewhere.
	maxRedirects = 3
	// maxChallenges bounds the ways to authenticate that are looked at.
	maxChallenges = 16

	// MaxBytes is what a camera can make a Conn keep: the buffer, grown for a message,
	// with a copy of the message; waiting datagrams, and buffers for each of the four
	// sockets; what TLS keeps.
	MaxBytes = 2*(maxHeaderBytes+maxBodyBytes+bufferBytes) + maxWaitingBytes + 2*batchBytes + 2*singleBytes + 2*bufferBytes
)
