// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import "github.com/moonfirefs/moonfirefs"

// chunkAlignment is what each video chunk's offset in the file is a multiple of:
// reads are then aligned with the sample files, and a file system with shared
// extents can compose the same file from blocks.
const chunkAlignment = 4096

// Sizes in bytes of what does not vary. Full boxes have 12 bytes of header, others
// 8 (ISO 14496-12 §4.2).
const (
	boxHeaderSize  = 8
	mdatHeaderSize = 16 // with a 64-bit size

	ftypSize = boxHeaderSize + 8 + len(compatibleBrands)
	mvhdSize = 120
	tkhdSize = 104
	edtsSize = boxHeaderSize + 36
	mdhdSize = 44
	hdlrSize = 33 // and the length of the name
	vmhdSize = 20
	smhdSize = 16
	nmhdSize = 12
	dinfSize = 36
	stsdSize = 16 // and the sample entry
	sttsSize = 16 // and 8 for each sample
	cttsSize = 16 // and 8 for each sample; only where one is reordered
	stssSize = 16 // and 4 for each sync sample
	stscSize = 16 // and 12 for each chunk
	stszSize = 20 // and 4 for each sample
	co64Size = 16 // and 8 for each chunk
	rollSize = 26 + 28

	tx3gSize = 46 + 13 + len(textFont)

	// Of each track: trak, tkhd, mdia, mdhd, hdlr, minf, dinf, stbl, stsd, stts,
	// stsc, stsz, co64.
	trackSize = 4*boxHeaderSize + tkhdSize + mdhdSize + hdlrSize + dinfSize +
		stsdSize + sttsSize + stscSize + stszSize + co64Size
	videoTrackSize = trackSize + len(videoHandlerName) + vmhdSize + stssSize
	audioTrackSize = trackSize + len(audioHandlerName) + smhdSize
	textTrackSize  = trackSize + len(textHandlerName) + nmhdSize + tx3gSize

	// moov, mvhd, udta, meta, its hdlr, ilst, and the date.
	moovFixedSize = boxHeaderSize + mvhdSize +
		boxHeaderSize + 12 + hdlrSize + boxHeaderSize + metadataItemSize + len(isoLayout)

	metadataItemSize = 24 // and the text
)

// counts are the sums that the size of a file follows from.
type counts struct {
	recordings, samples, syncSamples, cues int64
	// audioSamples and audioChunks count silence as well.
	videoChunks, audioSamples, audioChunks int64
	// reordered says that a recording has composition offsets.
	reordered bool
	// recovers says that there are recovery points in the place of sync samples.
	recovers bool
	// chunksSize is the size of all chunks, with the padding between them.
	chunksSize int64
}

// count adds up s.
func count(s *Spec) counts {
	c := counts{recordings: int64(len(s.Recordings))}
	_, c.recovers = s.Entry.Recovery()
	var t timeline
	audio := newAudioline(s)
	for i := range s.Recordings {
		r := &s.Recordings[i]
		c.samples += int64(r.VideoSamples)
		if !c.recovers {
			c.syncSamples += int64(r.VideoSyncSamples)
		}
		c.reordered = c.reordered || r.Flags&moonfirefs.FlagReordered != 0
		c.videoChunks += int64(r.VideoChunks())
		var p place
		if s.Timestamps || s.Audio != nil {
			p = t.append(s, i)
		}
		if s.Audio != nil {
			c.countAudio(r, &audio, p, i)
		}
		c.chunksSize = aligned(c.chunksSize) + r.SampleFileBytes
		if s.Timestamps {
			cues := cuesOf(s, i, p)
			c.cues += cues.count()
			c.chunksSize += cues.chunkSize()
		}
	}
	return c
}

// countAudio adds the audio of recording i, which lies at p.
func (c *counts) countAudio(r *moonfirefs.Summary, audio *audioline, p place, i int) {
	at, _ := audio.append(r, p, i)
	c.audioSamples += at.silent + int64(r.Audio.Samples)
	c.audioChunks += int64(r.Audio.Chunks)
	if at.silent > 0 {
		c.audioChunks++
		c.chunksSize += at.silent * int64(len(audio.silence.sample))
	}
}

// moovSize is the exact size of the moov box.
func moovSize(s *Spec, c *counts) int64 {
	size := int64(moovFixedSize+videoTrackSize+len(s.Entry.Data)) +
		8*c.samples + 4*c.syncSamples + 4*c.samples + (12+8)*c.videoChunks
	if c.recovers {
		size += recoverySize(s.Entry, c.samples)
	}
	if c.reordered {
		size += cttsSize + 8*c.samples
	}
	if s.Audio != nil {
		size += int64(audioTrackSize+len(s.Audio.Data)) + (8+4)*c.audioSamples + (12+8)*c.audioChunks
		if rollDistance(s.Audio) != 0 {
			size += rollSize
		}
	}
	if s.Timestamps {
		size += int64(textTrackSize) + 8*c.cues + 4*c.cues + (12+8)*c.recordings
	}
	if s.Excerpt != nil {
		size += edtsSize
		if s.Audio != nil {
			size += edtsSize
		}
		if s.Timestamps {
			size += edtsSize
		}
	}
	for _, text := range []string{s.Title, s.Description} {
		if text != "" {
			size += metadataItemSize + int64(len(text))
		}
	}
	return size
}

// firstChunk is the offset in the file of the first chunk, behind the header of
// mdat and padding.
func firstChunk(s *Spec, c *counts) int64 {
	return aligned(int64(ftypSize) + moovSize(s, c) + mdatHeaderSize)
}

// Size returns the exact size of the file in bytes. It follows from the counts
// of the Summaries alone; nothing is allocated, so that a listing can afford it
// for each of its files.
func Size(s *Spec) int64 {
	c := count(s)
	return firstChunk(s, &c) + c.chunksSize
}

// aligned rounds an offset up to where a video chunk may start.
func aligned(offset int64) int64 {
	return (offset + chunkAlignment - 1) &^ (chunkAlignment - 1)
}
