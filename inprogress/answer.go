// SPDX-License-Identifier: GPL-3.0-or-later

package inprogress

import (
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// patience is how long a look waits for a directory that has nothing of the stream as far as
	// is known, and firstPatience while nothing of the stream was found anywhere: a disk that was
	// asleep has spun up by then.
	patience      = time.Second
	firstPatience = 10 * time.Second
)

// readIn reads the recordings of a stream in one directory. Nobody can tell what is in one whose
// disk does not answer, and it is most likely of other cameras: theirs have to wait.
func (f *Finder) readIn(id moonfirefs.SampleDirID, names []*pending, stream moonfirefs.StreamID) (found []*Recording, errs []error) {
	patience, home := f.patience(id, stream)
	if home {
		return f.readAll(id, names, stream)
	}
	if patience == 0 {
		return nil, nil
	}
	var late struct { // what may come too late
		found []*Recording
		errs  []error
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		late.found, late.errs = f.readAll(id, names, stream)
	}()
	select {
	case <-ended:
		return late.found, late.errs
	case <-time.After(patience):
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unanswered[id] = ended
	return nil, nil
}

// patience tells how long a look for a stream waits for a directory: as long as it takes if it is
// home to the stream, and not at all if others have waited in vain.
func (f *Finder) patience(id moonfirefs.SampleDirID, stream moonfirefs.StreamID) (limit time.Duration, home bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch homes := f.homes[stream]; {
	case slices.Contains(homes, id):
		return 0, true
	case !f.answersLocked(id):
		return 0, false
	case len(homes) == 0:
		return firstPatience, false
	}
	return patience, false
}

// answersLocked tells whether a directory answers as far as is known.
func (f *Finder) answersLocked(id moonfirefs.SampleDirID) bool {
	ended, waiting := f.unanswered[id]
	if !waiting {
		return true
	}
	select {
	case <-ended:
		delete(f.unanswered, id)
		return true
	default:
		return false
	}
}

// readAll waits for the directory as long as it takes.
func (f *Finder) readAll(id moonfirefs.SampleDirID, names []*pending, stream moonfirefs.StreamID) (found []*Recording, errs []error) {
	l := f.look(id)
	for _, p := range names {
		r, err := p.read(l, stream)
		if err != nil {
			errs = append(errs, err)
		} else if r != nil {
			found = append(found, r)
		}
	}
	if len(found) > 0 {
		f.settle(stream, id)
	}
	return found, errs
}

// settle makes a directory a home of a stream.
func (f *Finder) settle(stream moonfirefs.StreamID, id moonfirefs.SampleDirID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(f.homes[stream], id) {
		f.homes[stream] = append(f.homes[stream], id)
	}
}
