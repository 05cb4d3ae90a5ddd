// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/journal"
)

// This file is what is made of a journal, without I/O: the pieces that should be in the
// sample file, and the recording of those that are. See salvager.

// piece is what lies in one place of a sample file: a sample of the video, or a chunk
// of audio.
type piece struct {
	sizeBytes int64
	// sum is the checksum of its bytes.
	sum uint32
	// video is the sample; audio is the chunk, nil if it is none.
	video moonfirefs.Sample
	audio *journal.Chunk
}

// piecesOf lists what a journal tells of a sample file, in the order of the file.
func piecesOf(j *journal.Journal) []piece {
	pieces := make([]piece, 0, len(j.Samples)+len(j.Chunks))
	chunks := j.Chunks
	for i, s := range j.Samples {
		pieces = append(pieces, piece{sizeBytes: int64(s.Bytes), sum: s.Sum, video: s.Sample})
		for len(chunks) > 0 && chunks[0].After == i+1 {
			pieces = append(pieces, piece{sizeBytes: chunks[0].Bytes, sum: chunks[0].Sum, audio: &chunks[0]})
			chunks = chunks[1:]
		}
	}
	return pieces
}

// tableOf is the table of the samples of some pieces.
func tableOf(pieces []piece) *moonfirefs.SampleTable {
	var table moonfirefs.SampleTable
	var audioStart90k moonfirefs.Duration90k
	for _, p := range pieces {
		if p.audio == nil {
			table.AddVideo(p.video)
			continue
		}
		if table.AudioSamples() == 0 {
			audioStart90k = p.audio.Start90k
		}
		table.AddAudio(audioStart90k, p.audio.Samples)
	}
	return &table
}

// salvagedRow is what the index will say of a recording that a crash has interrupted,
// of which a table of samples is left. The digest is that of the bytes of those.
func salvagedRow(dir moonfirefs.SampleDirID, j *journal.Journal, table *moonfirefs.SampleTable, digest *moonfirefs.SampleFileDigest) *moonfirefs.Recording {
	row := &moonfirefs.Recording{
		Summary: moonfirefs.Summary{
			Start90k:  j.Start90k,
			RunOffset: j.RunOffset,
			Flags:     moonfirefs.FlagSalvaged,
		},
		Stream:            j.Stream,
		SampleDir:         dir,
		Open:              j.Open,
		LocalTimeDelta90k: j.LocalTimeDelta90k,
		SampleFile:        j.SampleFile,
	}
	table.Fill(row)
	digest.Fill(row)
	return row
}
