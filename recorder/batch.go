// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/journal"
)

const (
	// batchTime90k is how much footage is written at once. Frames of a camera that are read
	// together go into one batch.
	batchTime90k = moonfirefs.UnitsPerSecond / 8
	// batchPatience is how long less than that waits for more: a little longer than it takes
	// until the next are read (internal/pulse), so that nobody is woken in between.
	batchPatience = 200 * time.Millisecond
	// maxBatchBytes bounds a batch, unless one frame is larger.
	maxBatchBytes = 128 << 10
	// maxBatchPieces does so where frames are tiny.
	maxBatchPieces = journal.MaxGroupSamples / 2
)

// batchBuffers are what batches are gathered in. A batch has one while something waits, which
// it does for a moment as a rule, as soon as the frames of a reading have come. So many
// cameras share a few.
var batchBuffers = sync.Pool{New: func() any { return new([maxBatchBytes]byte) }}

// batch is the end of a recording that its table of samples does not have yet: what is
// to be written to the files at once, and a frame before it whose duration is unknown.
// The zero value is ready for use.
type batch struct {
	// pieces lie in the sample file one after another.
	pieces []journal.Piece
	// begun says that the first piece was written before: data are the bytes of the
	// others.
	begun bool
	data  []byte
	// buffer is what data is gathered in, unless a single chunk is larger; nil while there is
	// nothing, or one large frame.
	buffer *[maxBatchBytes]byte
	// isOpen says that the last piece is a frame whose duration is not known yet.
	isOpen bool
	// duration90k is the sum of the durations that became known since the last write.
	duration90k moonfirefs.Duration90k
}

// fits tells whether more may be gathered with what waits.
func (b *batch) fits(sizeBytes int) bool {
	return len(b.data) == 0 || len(b.data)+sizeBytes <= maxBatchBytes && len(b.pieces) < maxBatchPieces
}

// addFrame takes a frame whose duration is not known. One that is a batch by itself is
// not copied: data must not change before the batch is written.
func (b *batch) addFrame(s moonfirefs.Sample, data []byte) {
	b.pieces = append(b.pieces, journal.Piece{SizeBytes: int64(len(data)), Sum: journal.Sum(data), Video: s})
	b.isOpen = true
	if len(b.data) == 0 && len(data) >= maxBatchBytes {
		b.data = data
		return
	}
	b.gather(data)
}

// addChunk takes a chunk of audio, which lies behind a frame whose duration is known.
func (b *batch) addChunk(c *journal.Chunk, data []byte) {
	b.pieces = append(b.pieces, journal.Piece{SizeBytes: int64(len(data)), Sum: c.Sum, Audio: c})
	b.gather(data)
}

// gather copies what fits into the batch.
func (b *batch) gather(data []byte) {
	if b.buffer == nil {
		b.buffer = batchBuffers.Get().(*[maxBatchBytes]byte)
		b.data = append(b.buffer[:0], b.data...)
	}
	b.data = append(b.data, data...)
}

// settle sets the duration of the newest frame, if that is not known: 0 if it never will
// be.
func (b *batch) settle(duration90k moonfirefs.Duration90k) {
	if !b.isOpen {
		return
	}
	b.pieces[len(b.pieces)-1].Video.Duration90k = int32(duration90k)
	b.duration90k += duration90k
	b.isOpen = false
}

// frames counts the frames.
func (b *batch) frames() (n int) {
	for i := range b.pieces {
		if b.pieces[i].Audio == nil {
			n++
		}
	}
	return n
}

// endsWithAudio tells whether no frame follows the last chunk.
func (b *batch) endsWithAudio() bool {
	n := len(b.pieces)
	return n > 0 && b.pieces[n-1].Audio != nil
}

// cut leaves those pieces that are whole in the first sizeBytes of data, and returns how
// many bytes of it they have.
func (b *batch) cut(sizeBytes int) (wholeBytes int) {
	n := 0
	if b.begun {
		n = 1
	}
	for ; n < len(b.pieces); n++ {
		next := wholeBytes + int(b.pieces[n].SizeBytes)
		if next > sizeBytes {
			break
		}
		wholeBytes = next
	}
	b.isOpen = b.isOpen && n == len(b.pieces)
	b.pieces, b.data = b.pieces[:n], b.data[:wholeBytes]
	return wholeBytes
}

// settled are the pieces of which all is known.
func (b *batch) settled() []journal.Piece {
	if b.isOpen {
		return b.pieces[:len(b.pieces)-1]
	}
	return b.pieces
}

// open is the frame whose duration is not known; nil if there is none.
func (b *batch) open() *journal.Piece {
	if b.isOpen {
		return &b.pieces[len(b.pieces)-1]
	}
	return nil
}

// written says that data is in the file, and what is settled in the table.
func (b *batch) written() {
	n := len(b.settled())
	b.begun = b.isOpen
	clear(b.pieces[:n]) // let go of the chunks
	b.pieces = append(b.pieces[:0], b.pieces[n:]...)
	if b.buffer != nil {
		batchBuffers.Put(b.buffer)
	}
	b.data, b.buffer, b.duration90k = nil, nil, 0
}
