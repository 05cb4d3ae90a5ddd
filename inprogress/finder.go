// SPDX-License-Identifier: GPL-3.0-or-later

package inprogress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Index tells which names are reserved. *index.DB is one.
type Index interface {
	// Writing names the sample files that may be being written, all of one moment. A name
	// that is committed never comes back.
	Writing(ctx context.Context) ([]moonfirefs.SampleFile, error)
}

// Dir is a directory in which recordings are made. *sample.Dir is one.
type Dir interface {
	// Changed returns when a file was last added or removed.
	Changed() (time.Time, error)
	// ReadJournal reads the journal of a sample file, but not more than maxBytes. A missing
	// one is reported as fs.ErrNotExist.
	ReadJournal(name uuid.UUID, maxBytes int64) ([]byte, error)
	// OpenGrowing opens a sample file that may still be written to. The caller releases it.
	OpenGrowing(name uuid.UUID) (sample.GrowingFile, error)
}

// Finder finds recordings in progress. It is safe for concurrent use.
type Finder struct {
	index Index
	dirs  map[moonfirefs.SampleDirID]Dir

	mu sync.Mutex // guards what follows
	// known is what was found out about names that were reserved lately.
	known map[uuid.UUID]*pending
	// homes are the directories in which recordings of a stream were found so far.
	homes map[moonfirefs.StreamID][]moonfirefs.SampleDirID
	// unanswered are what is closed once a directory answers that somebody has waited for in
	// vain.
	unanswered map[moonfirefs.SampleDirID]<-chan struct{}
}

// New returns a finder, which looks into those of the directories that are a Dir.
func New(index Index, dirs map[moonfirefs.SampleDirID]sample.Directory) *Finder {
	f := &Finder{
		index: index, dirs: make(map[moonfirefs.SampleDirID]Dir), known: make(map[uuid.UUID]*pending),
		homes: make(map[moonfirefs.StreamID][]moonfirefs.SampleDirID), unanswered: make(map[moonfirefs.SampleDirID]<-chan struct{}),
	}
	for id, dir := range dirs {
		if dir, ok := dir.(Dir); ok {
			f.dirs[id] = dir
		}
	}
	return f
}

// Of returns the recordings in progress of a stream, in their order: as a rule one, and
// the one before it for as long as that is not committed. Of the last one it takes the
// groups of pictures that are complete.
//
// What cannot be read is left out, and is why the error says so: that may accompany
// recordings. A directory that does not answer is left out silently, unless recordings of the
// stream were found there before, in which case it is waited for.
func (f *Finder) Of(ctx context.Context, stream moonfirefs.StreamID) ([]*Recording, error) {
	found, err := f.whole(ctx, stream)
	return complete(found), err
}

// Settled is Of with all samples whose durations are known: the last recording ends
// anywhere, and the audio of the one before it may not be complete. It is if the last one
// has any.
func (f *Finder) Settled(ctx context.Context, stream moonfirefs.StreamID) ([]*Recording, error) {
	found, err := f.whole(ctx, stream)
	if last := len(found) - 1; last >= 0 {
		if found[last] = found[last].settled(); found[last] == nil {
			found = found[:last]
		}
	}
	return found, err
}

// whole finds the recordings of a stream as far as they are whole.
func (f *Finder) whole(ctx context.Context, stream moonfirefs.StreamID) ([]*Recording, error) {
	names, err := f.writing(ctx)
	if err != nil {
		return nil, err
	}
	found, errs := f.read(names, stream)
	if len(found) > 1 {
		// What one lacked may have been written before the next one was read, which seems to
		// say that it is complete. So those that seem to be are read once more.
		last := found[len(found)-1]
		names = slices.DeleteFunc(names, func(p *pending) bool { return p.file == last.File() })
		found, errs = f.read(names, stream)
		found = append(found, last)
	}
	return found, errors.Join(errs...)
}

// read reads the recordings of a stream in their order.
func (f *Finder) read(names []*pending, stream moonfirefs.StreamID) (found []*Recording, errs []error) {
	in := make(map[moonfirefs.SampleDirID][]*pending)
	for _, p := range names {
		in[p.file.Dir] = append(in[p.file.Dir], p)
	}
	for id, names := range in {
		if f.dirs[id] == nil {
			continue
		}
		there, problems := f.readIn(id, names, stream)
		found, errs = append(found, there...), append(errs, problems...)
	}
	slices.SortStableFunc(found, compare)
	return found, errs
}

// compare puts the recordings of a stream into their order.
func compare(a, b *Recording) int {
	return cmp.Or(cmp.Compare(a.Open, b.Open), cmp.Compare(a.Start90k, b.Start90k), cmp.Compare(a.RunOffset, b.RunOffset))
}

// complete leaves out what is not complete of the recordings of a stream, in order.
func complete(found []*Recording) []*Recording {
	for i, r := range found {
		if i > 0 && found[i-1].mayGetAudio(r) {
			return found[:i]
		}
		if i < len(found)-1 {
			continue
		}
		if found[i] = r.groups(); found[i] == nil {
			return found[:i]
		}
	}
	return found
}

// At finds recordings as they were once. The error wraps moonfirefs.ErrNotFound if one of
// them is not in progress any more.
func (f *Finder) At(ctx context.Context, stream moonfirefs.StreamID, marks []Mark) ([]*Recording, error) {
	names, err := f.writing(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]*Recording, 0, len(marks))
	for _, mark := range marks {
		i := slices.IndexFunc(names, func(p *pending) bool { return p.file == mark.File })
		if i < 0 {
			return nil, fmt.Errorf("recording in progress %s: %w", mark.File.UUID, moonfirefs.ErrNotFound)
		}
		r, err := names[i].read(f.look(mark.File.Dir), stream)
		if err != nil {
			return nil, err
		}
		if r = r.at(mark); r == nil {
			return nil, fmt.Errorf("recording in progress %s: it has less than before: %w", mark.File.UUID, moonfirefs.ErrNotFound)
		}
		found = append(found, r)
	}
	return found, nil
}

// InProgress tells whether none of the recordings has been committed meanwhile.
func (f *Finder) InProgress(ctx context.Context, recordings []*Recording) (bool, error) {
	if len(recordings) == 0 {
		return true, nil
	}
	names, err := f.index.Writing(ctx)
	if err != nil {
		return false, err
	}
	for _, r := range recordings {
		if !slices.Contains(names, r.File()) {
			return false, nil
		}
	}
	return true, nil
}

// Open opens the sample file of a recording, which may be longer by now. It can be read
// as long as it is open, whatever becomes of the recording. The caller releases it.
func (f *Finder) Open(file moonfirefs.SampleFile) (sample.GrowingFile, error) {
	dir := f.dirs[file.Dir]
	if dir == nil {
		return nil, fmt.Errorf("sample directory %d is not open", file.Dir)
	}
	return dir.OpenGrowing(file.UUID)
}

// writing returns what is known of the names that are reserved for writing, and forgets
// those that are not any more.
func (f *Finder) writing(ctx context.Context) ([]*pending, error) {
	names, err := f.index.Writing(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	all, next := make([]*pending, len(names)), make(map[uuid.UUID]*pending, len(names))
	for i, name := range names {
		p := f.known[name.UUID]
		if p == nil || p.file != name {
			p = &pending{file: name}
		}
		all[i], next[name.UUID] = p, p
	}
	f.known = next
	return all, nil
}
