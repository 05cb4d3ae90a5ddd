// SPDX-License-Identifier: GPL-3.0-or-later

package journal

import (
	"errors"
	"io"

	"github.com/moonfirefs/moonfirefs"
)

// Piece is what lies in one place of a sample file: a sample of the video, or a chunk
// of audio.
type Piece struct {
	SizeBytes int64
	// Sum is the checksum of its bytes.
	Sum uint32
	// Video is the sample; Audio is the chunk, nil if it is none.
	Video moonfirefs.Sample
	Audio *Chunk
}

// Pieces lists what a journal tells of a sample file, in the order of the file.
func (j *Journal) Pieces() []Piece {
	pieces := make([]Piece, 0, len(j.Samples)+len(j.Chunks))
	chunks := j.Chunks
	for i, s := range j.Samples {
		pieces = append(pieces, Piece{SizeBytes: int64(s.Bytes), Sum: s.Sum, Video: s.Sample})
		for len(chunks) > 0 && chunks[0].After == i+1 {
			pieces = append(pieces, Piece{SizeBytes: chunks[0].Bytes, Sum: chunks[0].Sum, Audio: &chunks[0]})
			chunks = chunks[1:]
		}
	}
	return pieces
}

// TableOf is the table of the samples of some pieces.
func TableOf(pieces []Piece) *moonfirefs.SampleTable {
	var table moonfirefs.SampleTable
	var audioStart90k moonfirefs.Duration90k
	for _, p := range pieces {
		if p.Audio == nil {
			table.AddVideo(p.Video)
			continue
		}
		if table.AudioSamples() == 0 {
			audioStart90k = p.Audio.Start90k
		}
		table.AddAudio(audioStart90k, p.Audio.Samples)
	}
	return &table
}

// CountWhole reads pieces, one after another, and tells how many there are up to the
// first that is not as the journal says. The error is that of file, but for its end.
func CountWhole(file io.Reader, pieces []Piece) (int, error) {
	buffer := make([]byte, 64<<10)
	for i, p := range pieces {
		sum, err := sumOf(file, p.SizeBytes, buffer)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err == nil && sum != p.Sum {
			return i, nil
		}
		if err != nil {
			return i, err
		}
	}
	return len(pieces), nil
}

// sumOf reads sizeBytes, through a buffer: a damaged journal may name any size.
func sumOf(r io.Reader, sizeBytes int64, buffer []byte) (sum uint32, err error) {
	for sizeBytes > 0 {
		n, err := io.ReadFull(r, buffer[:min(sizeBytes, int64(len(buffer)))])
		if err != nil {
			return 0, err
		}
		sum = ExtendSum(sum, buffer[:n])
		sizeBytes -= int64(n)
	}
	return sum, nil
}
