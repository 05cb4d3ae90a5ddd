// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// Stream is what does not change about a stream when something is recorded. All states
// of the stream share it, and it is immutable.
type Stream struct {
	ID     moonfirefs.StreamID
	Camera uuid.UUID
	// ShortName is the camera's.
	ShortName string
	Kind      moonfirefs.StreamKind
	// Folder is the name of the stream's folder.
	Folder string
}

// StreamState is what can change about a stream with each commit. It is immutable.
type StreamState struct {
	*Stream
	trimmed *trimmed
	kept    *kept
	// Newest is the hour of the recording that was committed last; Recorded is false if
	// there is none. Unless this machine's clock has been wrong, no recording is in a
	// later hour.
	Newest   civil.Hour
	Recorded bool
	// Last is that recording, and End90k is when it ends.
	Last   moonfirefs.RecordingID
	End90k moonfirefs.Time90k
	// Description is the camera's.
	Description string
	RetainBytes int64
	// SampleFileBytes and Duration90k are the totals over the stream's recordings, the
	// hidden ones included.
	SampleFileBytes int64
	Duration90k     moonfirefs.Duration90k
}

// Same tells whether nothing has changed about the stream.
func (s *StreamState) Same(other *StreamState) bool { return *s == *other }

// growing tells whether h can get more recordings, or has lost some and is shown
// nevertheless.
func (s *StreamState) growing(h civil.Hour) bool { return s.Recorded && h.End90k > s.Newest.Start90k }

// hidden tells whether h is not shown, because retention has trimmed it: a program that
// makes backups would replace its copy of the whole hour by what is left. The newest
// hour is shown even so.
func (s *StreamState) hidden(h civil.Hour) bool {
	return s.trimmed.touches(h.Interval) && h != s.Newest
}

// Snapshot is the state of all streams at one version of the index. It is immutable.
type Snapshot struct {
	Version int64
	// Streams are by name of camera, main before sub.
	Streams []*StreamState
	// Unshown are those that have no folder, since none can have their name, or another
	// one has it: a line about each.
	Unshown []string

	byFolder map[string]*StreamState
	byID     map[moonfirefs.StreamID]*StreamState
	// byName are the intervals that are kept, made when somebody asks.
	byName func() map[string]KeptFile
}

// Folder returns the state of the stream with a folder; nil if there is none.
func (s *Snapshot) Folder(name string) *StreamState {
	return s.byFolder[name]
}

// Stream returns the state of a stream, or an error that wraps moonfirefs.ErrNotFound.
func (s *Snapshot) Stream(id moonfirefs.StreamID) (*StreamState, error) {
	if s != nil && s.byID[id] != nil {
		return s.byID[id], nil
	}
	return nil, fmt.Errorf("stream %d: %w", id, moonfirefs.ErrNotFound)
}

// Snapshot returns the state of all streams as of now. It is the same one for as long as
// nothing has changed.
func (c *Catalog) Snapshot(ctx context.Context) (*Snapshot, error) {
	// Read before anything else: what is loaded below may be newer than the version
	// says, which costs a reload, but never older.
	version, err := c.index.Version(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	if last != nil && last.Version == version {
		return last, nil
	}
	next, err := c.loadSnapshot(ctx, version, last)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = next
	return next, nil
}

func (c *Catalog) loadSnapshot(ctx context.Context, version int64, last *Snapshot) (*Snapshot, error) {
	cameras, err := c.index.Cameras(ctx)
	if err != nil {
		return nil, err
	}
	all, err := c.index.Kept(ctx)
	if err != nil {
		return nil, err
	}
	intervals := byStream(all)
	next := newSnapshot(version)
	for i := range cameras {
		camera := &cameras[i]
		for j := range camera.Streams {
			s := &camera.Streams[j]
			state, err := c.loadState(ctx, s)
			if err != nil {
				return nil, err
			}
			state.Stream = &Stream{s.ID, camera.UUID, camera.ShortName, s.Kind, s.FolderName(camera)}
			state.Description = camera.Description
			state.kept = &kept{intervals[s.ID]}
			if before, err := last.Stream(s.ID); err == nil {
				state = state.share(before)
			}
			next.add(state)
		}
	}
	return next, nil
}

func newSnapshot(version int64) *Snapshot {
	s := &Snapshot{Version: version, byFolder: make(map[string]*StreamState), byID: make(map[moonfirefs.StreamID]*StreamState)}
	s.byName = sync.OnceValue(s.keptByName)
	return s
}

// add adds a stream, unless it cannot have a folder: the index may be damaged, or
// somebody else's.
func (s *Snapshot) add(state *StreamState) {
	problem := moonfirefs.StoredNameProblem(state.ShortName)
	if problem == "" && s.byFolder[state.Folder] != nil {
		problem = fmt.Sprintf("stream %d has the same folder", s.byFolder[state.Folder].ID)
	}
	if problem != "" {
		s.Unshown = append(s.Unshown, fmt.Sprintf("stream %d: %s", state.ID, problem))
		return
	}
	s.Streams = append(s.Streams, state)
	s.byFolder[state.Folder], s.byID[state.ID] = state, state
}

func (c *Catalog) loadState(ctx context.Context, s *moonfirefs.Stream) (*StreamState, error) {
	state := &StreamState{
		trimmed:     &trimmed{s.Trimmed90k},
		RetainBytes: s.RetainBytes + s.TierRetainBytes, SampleFileBytes: s.SampleFileBytes, Duration90k: s.Duration90k,
	}
	newest, ok, err := c.index.Newest(ctx, s.ID)
	if err != nil || !ok {
		return state, err
	}
	state.Newest, state.Recorded = c.calendar.HourAt(newest.Start90k), true
	state.Last, state.End90k = newest.ID, newest.End90k
	return state, nil
}

// share takes over from the state before what has not changed, all of it if nothing has:
// nodes and listings of different ages share one copy, and states can be compared by ==.
func (s *StreamState) share(before *StreamState) *StreamState {
	if *s.Stream == *before.Stream {
		s.Stream = before.Stream
	}
	if slices.Equal(s.trimmed.quarters90k, before.trimmed.quarters90k) {
		s.trimmed = before.trimmed
	}
	if slices.Equal(s.kept.intervals, before.kept.intervals) {
		s.kept = before.kept
	}
	if *s == *before {
		return before
	}
	return s
}

// Modified90k is when the newest footage of streams ends; if there is none, when the
// store was made.
func (c *Catalog) Modified90k(streams ...*StreamState) moonfirefs.Time90k {
	modified, recorded := moonfirefs.MinTime90k, false
	for _, s := range streams {
		if s.Recorded {
			modified, recorded = max(modified, s.End90k), true
		}
	}
	if !recorded {
		return c.created90k
	}
	return modified
}
