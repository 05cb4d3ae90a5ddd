// SPDX-License-Identifier: GPL-3.0-or-later

package proof

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// Digest is a SHA-256 digest.
type Digest [sha256.Size]byte

// Leaf is what is signed of one recording. It is immutable. The JSON is what proofs and
// the notary's files have; what is hashed is the text that Hash describes.
type Leaf struct {
	// Store and Camera identify the recorder's store and the camera for ever. Name is how
	// the camera was called, and Stream which of its streams it is, when that was signed.
	Store  uuid.UUID             `json:"store"`
	Camera uuid.UUID             `json:"camera"`
	Name   string                `json:"name"`
	Stream moonfirefs.StreamKind `json:"stream"`

	// What follows is as in moonfirefs.Recording and moonfirefs.Summary.

	Start90k          moonfirefs.Time90k        `json:"start90k"`
	Duration90k       moonfirefs.Duration90k    `json:"duration90k"`
	LocalTimeDelta90k moonfirefs.Duration90k    `json:"localTimeDelta90k"`
	RunOffset         int32                     `json:"runOffset"`
	Flags             moonfirefs.RecordingFlags `json:"flags"`
	SampleFileBytes   int64                     `json:"sampleFileBytes"`
	SampleFileSHA256  Digest                    `json:"sampleFileSha256"`
	AudioStart90k     moonfirefs.Duration90k    `json:"audioStart90k"`

	// Video and Audio are the codec configurations; Audio is nil if there is no audio.
	Video VideoEntry  `json:"video"`
	Audio *AudioEntry `json:"audio,omitempty"`

	// VideoIndex and AudioIndex are digests of the tables of samples: durations, sizes,
	// sync flags, composition offsets. Groups is that of Groups.Bytes.
	VideoIndex Digest `json:"videoIndexSha256"`
	AudioIndex Digest `json:"audioIndexSha256"`
	Groups     Digest `json:"groupsSha256"`
}

// VideoEntry is a moonfirefs.VideoSampleEntry.
type VideoEntry struct {
	Width        uint16 `json:"width"`
	Height       uint16 `json:"height"`
	PixelAspectH uint16 `json:"pixelAspectH"`
	PixelAspectV uint16 `json:"pixelAspectV"`
	Codec        string `json:"codec"`
	Data         []byte `json:"data"`
}

// AudioEntry is a moonfirefs.AudioSampleEntry.
type AudioEntry struct {
	SampleRate   uint32 `json:"sampleRate"`
	Channels     uint16 `json:"channels"`
	FrameSamples uint16 `json:"frameSamples"`
	Codec        string `json:"codec"`
	Data         []byte `json:"data"`
}

// NewLeaf describes a recording, which has its indexes and its SHA-256, of a camera.
// audio is nil if it has none.
func NewLeaf(store uuid.UUID, camera *moonfirefs.Camera, kind moonfirefs.StreamKind, r *moonfirefs.Recording, video *moonfirefs.VideoSampleEntry, audio *moonfirefs.AudioSampleEntry, groups *Groups) *Leaf {
	l := &Leaf{
		Store: store, Camera: camera.UUID, Name: camera.ShortName, Stream: kind,
		Start90k: r.Start90k, Duration90k: r.Duration90k, LocalTimeDelta90k: r.LocalTimeDelta90k,
		RunOffset: r.RunOffset, Flags: r.Flags, SampleFileBytes: r.SampleFileBytes,
		SampleFileSHA256: r.SampleFileSHA256, AudioStart90k: r.Audio.Start90k,
		Video: VideoEntry{
			Width: video.Width, Height: video.Height, PixelAspectH: video.PixelAspectH, PixelAspectV: video.PixelAspectV,
			Codec: video.RFC6381Codec, Data: video.Data,
		},
		VideoIndex: sha256.Sum256(r.VideoIndex), AudioIndex: sha256.Sum256(r.AudioIndex), Groups: groups.Digest(),
	}
	if audio != nil {
		l.Audio = &AudioEntry{
			SampleRate: audio.SampleRate, Channels: audio.Channels, FrameSamples: audio.FrameSamples,
			Codec: audio.RFC6381Codec, Data: audio.Data,
		}
	}
	return l
}

// Interval is when the recording was made.
func (l *Leaf) Interval() moonfirefs.Interval {
	return moonfirefs.Interval{Start90k: l.Start90k, End90k: l.Start90k.Add(l.Duration90k)}
}

// Hash is that of the leaf in a Merkle tree: the SHA-256 of a byte 0 and of lines of
// text, each with a key, a space and a value. Texts are quoted as Go quotes them, in
// ASCII; digests and UUIDs are in lower-case hexadecimal.
func (l *Leaf) Hash() Digest { return leafHash(l.text()) }

func (l *Leaf) text() []byte {
	var b bytes.Buffer
	line := func(format string, values ...any) { fmt.Fprintf(&b, format+"\n", values...) }
	line("moonfirefs recording 1")
	line("store %s", l.Store)
	line("camera %s", l.Camera)
	line("name %+q", l.Name)
	line("stream %+q", string(l.Stream))
	line("start90k %d", int64(l.Start90k))
	line("duration90k %d", int64(l.Duration90k))
	line("localTimeDelta90k %d", int64(l.LocalTimeDelta90k))
	line("runOffset %d", l.RunOffset)
	line("flags %d", uint32(l.Flags))
	line("sampleFileBytes %d", l.SampleFileBytes)
	line("sampleFileSha256 %x", l.SampleFileSHA256[:])
	line("audioStart90k %d", int64(l.AudioStart90k))
	v := &l.Video
	line("video %d %d %d %d %+q %x", v.Width, v.Height, v.PixelAspectH, v.PixelAspectV, v.Codec, sha256.Sum256(v.Data))
	if a := l.Audio; a != nil {
		line("audio %d %d %d %+q %x", a.SampleRate, a.Channels, a.FrameSamples, a.Codec, sha256.Sum256(a.Data))
	}
	line("videoIndexSha256 %x", l.VideoIndex[:])
	line("audioIndexSha256 %x", l.AudioIndex[:])
	line("groupsSha256 %x", l.Groups[:])
	return b.Bytes()
}
