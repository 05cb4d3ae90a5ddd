// SPDX-License-Identifier: GPL-3.0-or-later

package inprogress

import (
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/journal"
	"github.com/moonfirefs/moonfirefs/sample"
)

// maxCheckedBytes bounds what is read of a sample file, whatever its journal says: more
// than five minutes of the fastest camera.
const maxCheckedBytes = 4 << 30

// pending is a name that is reserved for writing, and what has been found out about it.
type pending struct {
	file moonfirefs.SampleFile

	// mu guards what follows. It is held while the files are read, so that many who look
	// at once read them once.
	mu sync.Mutex
	// stream is whose recording it is; 0 as long as there is no journal.
	stream moonfirefs.StreamID
	// absent is when there was none.
	absent absence
	// checked counts the pieces whose checksums were right, of checkedBytes together.
	// Whatever follows was not there yet, or is damaged.
	checked      int
	checkedBytes int64
}

// read returns the recording as far as it is whole; nil if it is of another stream, or
// nothing of it is whole.
func (p *pending) read(l *look, stream moonfirefs.StreamID) (*Recording, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l == nil || p.stream != 0 && p.stream != stream || p.absent.lasts(l) {
		return nil, nil
	}
	data, err := l.dir.ReadJournal(p.file.UUID, journal.MaxBytes+1)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.absent = absence(*l)
		return nil, nil // no recording has begun yet, or this one is being discarded
	case errors.Is(err, sample.ErrForgotten):
		return nil, nil // as a rule, it has been committed since the names were listed
	case err != nil:
		return nil, err
	}
	// A journal that is being written to ends anywhere: what comes before counts.
	j, _ := journal.Decode(data)
	if j == nil || j.SampleFile != p.file.UUID {
		return nil, nil
	}
	p.stream = j.Stream
	if j.Stream != stream || len(j.Samples) == 0 {
		return nil, nil
	}
	pieces := j.Pieces()
	if err := p.check(l.dir, pieces); err != nil {
		return nil, err
	}
	return newRecording(p.file, j, pieces[:min(p.checked, len(pieces))]), nil
}

// check compares the pieces that were not checked before with the sample file.
func (p *pending) check(dir Dir, pieces []journal.Piece) error {
	if p.checked >= len(pieces) {
		return nil
	}
	file, err := dir.OpenGrowing(p.file.UUID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Release()
	there, more := p.there(pieces, file.SizeBytes())
	whole, err := journal.CountWhole(io.NewSectionReader(file.Reader(), p.checkedBytes, more), there)
	for _, piece := range there[:whole] {
		p.checkedBytes += piece.SizeBytes
	}
	p.checked += whole
	return err
}

// there returns the pieces to check that the sample file is long enough for, and their
// size.
func (p *pending) there(pieces []journal.Piece, sizeBytes int64) (there []journal.Piece, more int64) {
	rest, sizeBytes := pieces[p.checked:], min(sizeBytes, maxCheckedBytes)
	for i := range rest {
		if more+rest[i].SizeBytes > sizeBytes-p.checkedBytes {
			return rest[:i], more
		}
		more += rest[i].SizeBytes
	}
	return rest, more
}
