// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import "github.com/moonfirefs/moonfirefs"

// cutter walks over a recording, samples and audio side by side as they lie in its
// sample file, and collects what is needed of it.
type cutter struct {
	needed
	samples []moonfirefs.Sample
	// first and end are the samples that are needed.
	first, end int

	// at is how far in the sample file, and in samples, the walk is.
	offset int64
	at     int

	table moonfirefs.SampleTable
	// audioStart90k is when the first audio that is needed begins, after the start of
	// the excerpt.
	audioStart90k moonfirefs.Duration90k
	// chunk is the chunk of audio under way: its samples, their bytes, and those of the
	// video before it. Its bytes may lie before that video in the sample file, if an excerpt
	// begins there, but not in the excerpt: a recording begins with the video.
	chunk struct {
		samples      []moonfirefs.AudioSample
		video, audio []piece
	}
	pieces []piece
}

// cut makes the excerpt of r, which has the given audio index, nil for none.
func (c *cutter) cut(r *moonfirefs.Summary, audio []byte) *cutRecording {
	begin90k, audio90k := c.begin90k(), r.Audio.Start90k
	d := moonfirefs.DecodeAudioIndex(audio)
	for d.NextChunk() {
		c.walkVideo(int(d.VideoSamples))
		for d.Next() {
			if audio90k >= begin90k && audio90k < c.to90k {
				c.addAudio(d.AudioSample, audio90k-begin90k)
			}
			c.offset += int64(d.Bytes)
			audio90k += moonfirefs.Duration90k(d.Duration90k)
		}
	}
	c.walkVideo(len(c.samples) - c.at)
	c.flush()

	whole := moonfirefs.Recording{Summary: *r}
	c.table.Fill(&whole)
	whole.Start90k = r.Start90k.Add(begin90k)
	return &cutRecording{
		summary: whole.Summary, videoIndex: whole.VideoIndex, audioIndex: whole.AudioIndex,
		pieces: c.pieces, wholeBytes: r.SampleFileBytes,
	}
}

// addAudio adds a sample of audio that is needed, which begins at90k after the excerpt.
func (c *cutter) addAudio(s moonfirefs.AudioSample, at90k moonfirefs.Duration90k) {
	if c.table.AudioSamples() == 0 && len(c.chunk.samples) == 0 {
		c.audioStart90k = at90k
	}
	c.chunk.samples = append(c.chunk.samples, s)
	c.chunk.audio = appendPiece(c.chunk.audio, c.offset, s.Bytes)
}

// begin90k is when the first sample that is needed is decoded.
func (c *cutter) begin90k() (begin90k moonfirefs.Duration90k) {
	for i := range c.samples[:c.first] {
		begin90k += moonfirefs.Duration90k(c.samples[i].Duration90k)
	}
	return begin90k
}

// walkVideo passes over n samples of the video.
func (c *cutter) walkVideo(n int) {
	for ; n > 0; n-- {
		s := c.samples[c.at]
		if c.at >= c.first && c.at < c.end {
			if len(c.chunk.video) > 0 && len(c.chunk.samples) > 0 {
				c.flush()
			}
			c.table.AddVideo(s)
			c.chunk.video = appendPiece(c.chunk.video, c.offset, s.Bytes)
		}
		c.offset += int64(s.Bytes)
		c.at++
	}
}

// flush ends the chunk under way.
func (c *cutter) flush() {
	if len(c.chunk.samples) > 0 {
		c.table.AddAudio(c.audioStart90k, c.chunk.samples)
	}
	for _, p := range append(c.chunk.video, c.chunk.audio...) {
		c.pieces = appendPiece(c.pieces, p.offset, p.size)
	}
	c.chunk.samples, c.chunk.video, c.chunk.audio = c.chunk.samples[:0], c.chunk.video[:0], c.chunk.audio[:0]
}

// appendPiece appends a piece, or lengthens the last one if that ends where the new
// one begins.
func appendPiece[N int32 | int64](pieces []piece, offset int64, size N) []piece {
	if last := len(pieces) - 1; last >= 0 && pieces[last].offset+pieces[last].size == offset {
		pieces[last].size += int64(size)
		return pieces
	}
	return append(pieces, piece{offset, int64(size)})
}
