// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"crypto/sha1"
	"crypto/sha256"

	"github.com/google/uuid"
)

// The primary keys of the database. Each is positive; zero means "not stored
// yet".
type (
	// CameraID identifies a Camera.
	CameraID int64
	// StreamID identifies a Stream.
	StreamID int64
	// RecordingID identifies a Recording. It is never reused, not even after the
	// recording has been deleted, so that it can stand for its content.
	RecordingID int64
	// OpenID identifies a time that the store was open for writing.
	OpenID int64
	// SampleDirID identifies a directory of sample files.
	SampleDirID int64
	// KeptID identifies a Kept.
	KeptID int64
	// DeletionID identifies a Deletion.
	DeletionID int64
	// VideoSampleEntryID identifies a VideoSampleEntry.
	VideoSampleEntryID int64
)

// RecordingFlags describe how a recording ended and what it holds.
type RecordingFlags uint32

// FlagTrailingZero says that the last sample's duration is not known and is
// stored as zero: the recording was closed without a following frame.
const FlagTrailingZero RecordingFlags = 1 << 0

// FlagSalvaged says that the program or the machine died while the recording was
// being written: it ends with the last sample that was still found whole.
const FlagSalvaged RecordingFlags = 1 << 1

// FlagReordered says that samples are not shown in the order in which they are
// decoded: the video index has a composition offset for each.
const FlagReordered RecordingFlags = 1 << 2

// Summary is what the covering index tells of one recording: all that a
// listing, the size of a virtual file and the calendar need. It is read by the
// million, so it holds no pointers.
type Summary struct {
	ID RecordingID
	// Start90k is when the first sample was captured.
	Start90k Time90k
	// Duration90k is the sum of the samples' durations: 0 or more, and less
	// than MaxRecordingDuration90k.
	Duration90k Duration90k
	// SampleFileBytes is the size of the sample file: positive.
	SampleFileBytes  int64
	VideoSampleEntry VideoSampleEntryID
	// VideoSamples counts the samples: at least 1. VideoSyncSamples counts the
	// sync samples among them: 0 only where no key frame came for minutes.
	VideoSamples, VideoSyncSamples int32
	// RunOffset is 0 for the first recording of a run and counts up from there.
	RunOffset int32
	Flags     RecordingFlags
	Audio     AudioSummary
}

// End90k is when the last sample ends, as far as that is known.
func (s *Summary) End90k() Time90k { return s.Start90k.Add(s.Duration90k) }

// Newest is the recording of a stream that was committed last.
type Newest struct {
	ID RecordingID
	Interval
}

// SampleFile names a sample file.
type SampleFile struct {
	UUID uuid.UUID
	Dir  SampleDirID
}

// Recording is one row of the recording table: about a minute of one stream,
// whose samples lie in one sample file.
type Recording struct {
	Summary
	Stream    StreamID
	SampleDir SampleDirID
	Open      OpenID
	// LocalTimeDelta90k is how far this machine's clock was ahead of the
	// recording's start: what the camera's clock had lost by then.
	LocalTimeDelta90k Duration90k
	SampleFile        uuid.UUID
	// SampleFileSHA1 is zero if the recording was taken over from another recorder and nobody
	// has read the file since.
	SampleFileSHA1 [sha1.Size]byte
	// SampleFileSHA256 is zero if the recording was made by a version that did not
	// compute it.
	SampleFileSHA256 [sha256.Size]byte
	// SampleFileBLAKE3 is what another recorder knew of the file, if the recording was taken
	// over from it: the digest or its beginning, of MinBLAKE3Bytes at least. nil if there is
	// none.
	SampleFileBLAKE3 []byte
	// VideoIndex is the encoded table of samples; see VideoIndexEncoder and SampleTable.
	VideoIndex []byte
	// AudioIndex is that of the audio; nil if there is none. See AudioIndexEncoder.
	AudioIndex []byte
}

// VideoSampleEntry is the codec configuration that recordings share: a
// serialized VisualSampleEntry box (ISO 14496-12 §12.1.3), "avc1", "avc3", "hvc1",
// "hev1" (ISO 14496-15), "av01" or "jpeg". It is immutable once stored.
type VideoSampleEntry struct {
	ID VideoSampleEntryID
	// SHA1 is the digest of Data, by which equal entries are found.
	SHA1 [sha1.Size]byte
	// Width and Height are in pixels, after cropping.
	Width, Height uint16
	// PixelAspectH and PixelAspectV are the sides of a pixel ("pasp",
	// ISO 14496-12 §12.1.4): 1 and 1 where the stream does not say.
	PixelAspectH, PixelAspectV uint16
	// RFC6381Codec names the codec as the codecs parameter of a MIME type does
	// (RFC 6381 §3.3), such as "avc1.4d401e".
	RFC6381Codec string
	// Data is the whole box, its header included.
	Data []byte
}

// NewVideoSampleEntry fills in the digest of a serialized box.
func NewVideoSampleEntry(data []byte, width, height, pixelAspectH, pixelAspectV uint16, rfc6381 string) *VideoSampleEntry {
	return &VideoSampleEntry{
		SHA1: sha1.Sum(data), Data: data, Width: width, Height: height,
		PixelAspectH: pixelAspectH, PixelAspectV: pixelAspectV, RFC6381Codec: rfc6381,
	}
}
