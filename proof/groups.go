// SPDX-License-Identifier: GPL-3.0-or-later

package proof

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"iter"

	"github.com/moonfirefs/moonfirefs"
)

// ErrIndexes is returned where the tables of a recording contradict it.
var ErrIndexes = errors.New("its tables of samples contradict it")

// Groups are the digests of the groups of pictures of a recording, and of its chunks of
// audio, each in the order of the file. A group of pictures begins with a sync sample;
// what lies before the second one belongs to the first group.
type Groups struct {
	Video, Audio []Digest
}

// Bytes are all digests, one after another, those of the video first.
func (g *Groups) Bytes() []byte {
	all := make([]byte, 0, sha256.Size*(len(g.Video)+len(g.Audio)))
	for _, digests := range [][]Digest{g.Video, g.Audio} {
		for i := range digests {
			all = append(all, digests[i][:]...)
		}
	}
	return all
}

// Digest is that of Bytes.
func (g *Groups) Digest() Digest { return sha256.Sum256(g.Bytes()) }

// Place is a sample of a recording and where it lies in its sample file.
type Place struct {
	// Audio says that it is one of the audio.
	Audio bool
	// Group counts the groups of pictures, or the chunks of audio, from 0.
	Group int
	// Offset90k is when it is decoded, after the start of the recording.
	Offset90k moonfirefs.Duration90k
	// Offset and Bytes say where it lies.
	Offset int64
	Bytes  int32
	// header is what is known of it besides its bytes.
	header [10]byte
}

// Hash is the digest of a sample: of what its index says, and of its bytes.
func (p *Place) Hash(data []byte) Digest {
	h := sha256.New()
	_, _ = h.Write(p.header[:]) // never fails
	_, _ = h.Write(data)
	return Digest(h.Sum(nil))
}

// Kinds of samples, the first byte of a header.
const (
	videoKind = 2
	audioKind = 3
)

func videoHeader(s *moonfirefs.Sample) (h [10]byte) {
	h[0] = videoKind
	if s.Sync {
		h[1] = 1
	}
	binary.BigEndian.PutUint32(h[2:], uint32(s.Duration90k))
	binary.BigEndian.PutUint32(h[6:], uint32(s.CompositionOffset90k))
	return h
}

func audioHeader(s *moonfirefs.AudioSample) (h [10]byte) {
	h[0] = audioKind
	binary.BigEndian.PutUint32(h[2:], uint32(s.Duration90k))
	return h
}

// Places lists the samples of a recording in the order of its sample file. Its indexes
// must agree with its Summary; see moonfirefs.Recording.IndexProblem.
func Places(r *moonfirefs.Recording) iter.Seq[Place] {
	return func(yield func(Place) bool) {
		w := &placeWalk{yield: yield, video: moonfirefs.DecodeVideoIndex(r.VideoIndex, r.Flags), group: -1}
		audio := moonfirefs.DecodeAudioIndex(r.AudioIndex)
		audio90k, chunk := r.Audio.Start90k, 0
		for audio.NextChunk() {
			if !w.pictures(audio.VideoSamples) {
				return
			}
			for audio.Next() {
				p := Place{Audio: true, Group: chunk, Offset90k: audio90k, Offset: w.offset, Bytes: audio.Bytes, header: audioHeader(&audio.AudioSample)}
				if !yield(p) {
					return
				}
				w.offset += int64(audio.Bytes)
				audio90k += moonfirefs.Duration90k(audio.Duration90k)
			}
			chunk++
		}
		w.pictures(r.VideoSamples)
	}
}

// placeWalk is how far Places is.
type placeWalk struct {
	yield     func(Place) bool
	video     moonfirefs.VideoIndexDecoder
	group     int
	synced    bool
	offset    int64
	offset90k moonfirefs.Duration90k
}

// pictures goes on by n samples of the video, or as many as there are.
func (w *placeWalk) pictures(n int32) bool {
	for ; n > 0 && w.video.Next(); n-- {
		s := &w.video.Sample
		if w.group < 0 || s.Sync && w.synced {
			w.group++
		}
		w.synced = w.synced || s.Sync
		p := Place{Group: w.group, Offset90k: w.offset90k, Offset: w.offset, Bytes: s.Bytes, header: videoHeader(s)}
		if !w.yield(p) {
			return false
		}
		w.offset += int64(s.Bytes)
		w.offset90k += moonfirefs.Duration90k(s.Duration90k)
	}
	return true
}

// Lacking lists the samples that a file does not have although it has others of their
// group, or of their chunk. in tells which it has.
func Lacking(r *moonfirefs.Recording, in func(*Place) bool) (lacking []*Place) {
	type id struct {
		audio bool
		group int
	}
	present := make(map[id]bool)
	for p := range Places(r) {
		if in(&p) {
			present[id{p.Audio, p.Group}] = true
		}
	}
	for p := range Places(r) {
		if present[id{p.Audio, p.Group}] && !in(&p) {
			lacking = append(lacking, &p)
		}
	}
	return lacking
}
