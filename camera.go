// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"slices"

	"github.com/google/uuid"
)

// StreamKind tells a camera's streams apart.
type StreamKind string

// The streams that a camera can have.
const (
	// MainStream is the full-quality stream, shown under the camera's name.
	MainStream StreamKind = "main"
	// SubStream is the low-bandwidth stream, shown under the name with SubSuffix.
	SubStream StreamKind = "sub"
)

// SubSuffix follows the camera's name in the name of its sub stream's folder.
const SubSuffix = "-sub"

// Transport is how RTP reaches us.
type Transport string

// The transports (RFC 2326 §12.39).
const (
	TCP Transport = "tcp" // interleaved in the RTSP connection
	UDP Transport = "udp"
)

// Camera is a device and its streams.
type Camera struct {
	ID   CameraID
	UUID uuid.UUID
	// ShortName is the name of the camera's folder; see CheckShortName.
	ShortName   string
	Description string
	// Retired says that it is not recorded any more, and only its footage is shown.
	Retired bool
	// NoAudio says that no audio is recorded.
	NoAudio bool
	// Username and Password are for RTSP authentication; empty means none. They
	// are never logged.
	Username, Password string
	// Streams are in the order main, sub; at least one.
	Streams []Stream
}

// Settings returns what is configured about a camera, without what the database counts.
func (c *Camera) Settings() Camera {
	plain := *c
	plain.Streams = slices.Clone(c.Streams)
	for i := range plain.Streams {
		s := &plain.Streams[i]
		s.Trimmed90k, s.SampleFileBytes, s.Duration90k, s.TierRetainBytes = nil, 0, 0, 0
	}
	return plain
}

// Stream is one video stream of a camera, as configured, and the totals that
// the database keeps of it.
type Stream struct {
	ID        StreamID
	Kind      StreamKind
	SampleDir SampleDirID
	// URL is one without user info in which URLProblem sees no problem, as a rule an
	// rtsp:// URL.
	URL       string
	Transport Transport
	// RetainBytes is the quota: retention deletes the oldest recordings so that
	// their sample files together never exceed it, but for those that belong to a Tier.
	RetainBytes int64
	// TierRetainBytes is the quota of its Tier, which comes on top of that; 0 if it has none.
	// It is not one of the settings of a camera.
	TierRetainBytes int64
	// RetainFor90k is retention by time: recordings that ended longer ago are deleted as
	// well, unless they are kept. 0 means no limit; see MaxRetainFor90k.
	RetainFor90k Duration90k
	// RetainMarkedBytes is the part of the quota that marked recordings may use for
	// themselves, while others go: those of events. It is for all places together.
	RetainMarkedBytes int64
	// Trimmed90k are the starts of those quarters of an hour of UTC that have lost
	// a recording to retention, ascending. Those before all recordings are left
	// out.
	Trimmed90k []Time90k
	// SampleFileBytes and Duration90k are the totals over the stream's
	// recordings.
	SampleFileBytes int64
	Duration90k     Duration90k
}

// FolderName is the name of the stream's folder in the mount.
func (s *Stream) FolderName(c *Camera) string {
	if s.Kind == SubStream {
		return c.ShortName + SubSuffix
	}
	return c.ShortName
}
