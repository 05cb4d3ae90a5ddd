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

	video moonfirefs.VideoIndexEncoder
	audio moonfirefs.AudioIndexEncoder
	// chunk is the chunk of audio under way: the video's samples before it, and its
	// own. Its bytes may lie before those samples in the sample file, if a clip begins
	// there, but not in the excerpt: a recording begins with the video.
	chunk struct {
		videoSamples int32
		sound        []moonfirefs.AudioSample
		video, audio []piece
	}
	pieces []piece
}

// cut makes the excerpt of r, which has the given audio index, nil for none.
func (c *cutter) cut(r *moonfirefs.Summary, audio []byte) *excerpt {
	e := &excerpt{summary: *r, wholeBytes: r.SampleFileBytes}
	begin90k, sound90k := c.begin90k(), r.Audio.Start90k
	var first90k moonfirefs.Duration90k // when the first audio that is needed begins
	d := moonfirefs.DecodeAudioIndex(audio)
	for d.NextChunk() {
		c.walkVideo(int(d.VideoSamples))
		for d.Next() {
			if sound90k >= begin90k && sound90k < c.to90k {
				if c.audio.Sum().Samples == 0 && len(c.chunk.sound) == 0 {
					first90k = sound90k
				}
				c.chunk.sound = append(c.chunk.sound, d.AudioSample)
				c.chunk.audio = appendPiece(c.chunk.audio, c.offset, d.Bytes)
			}
			c.offset += int64(d.Bytes)
			sound90k += moonfirefs.Duration90k(d.Duration90k)
		}
	}
	c.walkVideo(len(c.samples) - c.at)
	endsWithVideo := len(c.chunk.sound) == 0
	c.flush()

	e.videoIndex, e.audioIndex, e.pieces = c.video.Blob(), c.audio.Blob(), c.pieces
	c.summarize(&e.summary, begin90k, first90k, endsWithVideo)
	return e
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
			if c.chunk.videoSamples > 0 && len(c.chunk.sound) > 0 {
				c.flush()
			}
			c.video.Add(s)
			c.chunk.videoSamples++
			c.chunk.video = appendPiece(c.chunk.video, c.offset, s.Bytes)
		}
		c.offset += int64(s.Bytes)
		c.at++
	}
}

// flush ends the chunk under way.
func (c *cutter) flush() {
	if len(c.chunk.sound) > 0 {
		c.audio.AddChunk(c.chunk.videoSamples, c.chunk.sound)
	}
	for _, p := range append(c.chunk.video, c.chunk.audio...) {
		c.pieces = appendPiece(c.pieces, p.offset, p.size)
	}
	c.chunk.videoSamples, c.chunk.sound, c.chunk.video, c.chunk.audio = 0, c.chunk.sound[:0], c.chunk.video[:0], c.chunk.audio[:0]
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

// summarize makes the Summary of a recording that of its excerpt.
func (c *cutter) summarize(r *moonfirefs.Summary, begin90k, sound90k moonfirefs.Duration90k, endsWithVideo bool) {
	set := func(flag moonfirefs.RecordingFlags, on bool) {
		r.Flags &^= flag
		if on {
			r.Flags |= flag
		}
	}
	set(moonfirefs.FlagTrailingZero, c.samples[c.end-1].Duration90k == 0)
	set(moonfirefs.FlagReordered, c.video.Reordered())
	sum := c.audio.Sum()
	set(moonfirefs.FlagAudio, sum.Samples > 0)
	set(moonfirefs.FlagVideoLast, sum.Samples > 0 && endsWithVideo)
	if sum.Samples > 0 {
		sum.SampleEntry, sum.Start90k = r.Audio.SampleEntry, sound90k-begin90k
	}
	r.Audio = sum
	r.Start90k, r.Duration90k = r.Start90k.Add(begin90k), c.video.Duration90k()
	r.VideoSamples, r.VideoSyncSamples = c.video.Samples(), c.video.SyncSamples()
	r.SampleFileBytes = c.video.Bytes() + sum.Bytes
}
