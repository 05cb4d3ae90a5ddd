package fs

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// stream is what the tree needs to know of a stream and what does not change
// with its recordings. It is shared by all nodes of the stream, and immutable.
type stream struct {
	id     moonfirefs.StreamID
	camera uuid.UUID
	// shortName is the camera's.
	shortName string
	kind      moonfirefs.StreamKind
	// folder is the name of the stream's folder.
	folder string
}

// streamState is what can change with each commit.
type streamState struct {
	*stream
	eaten *eaten
	saved *saved
	// newest is the hour of the recording that was committed last; recorded is
	// false if there is none. Unless this machine's clock has been wrong, no
	// recording is in a later hour.
	newest   civil.Hour
	recorded bool
	// last is that recording, and end90k is when it ends.
	last   moonfirefs.RecordingID
	end90k moonfirefs.Time90k
	// description is the camera's.
	description string
	retainBytes int64
	// sampleFileBytes and duration90k are the totals over the stream's
	// recordings, the hidden ones included.
	sampleFileBytes int64
	duration90k     moonfirefs.Duration90k
}

// growing tells whether h can get more recordings, or has lost some and is shown
// nevertheless.
func (s *streamState) growing(h civil.Hour) bool { return s.recorded && h.End90k > s.newest.Start90k }

// hidden tells whether h is not shown, because rotation has begun to eat it: a
// program that makes backups would replace its copy of the whole hour by what is
// left. The newest hour is shown even so.
func (s *streamState) hidden(h civil.Hour) bool {
	return s.eaten.touches(h.Interval) && h != s.newest
}

// hiddenHours lists the hours that are not shown. There is one as a rule.
func (s *streamState) hiddenHours(c civil.Calendar) (hours []civil.Hour) {
	for _, q := range s.eaten.quarters90k {
		for t := q; t < q.Add(moonfirefs.QuarterHour90k); {
			h := c.HourAt(t)
			if s.hidden(h) && !slices.Contains(hours, h) {
				hours = append(hours, h)
			}
			t = h.End90k
		}
	}
	return hours
}

// snapshot is the state of all streams at one version of the database.
type snapshot struct {
	version int64
	// streams are by name of camera, main before sub.
	streams []*streamState
}

func (s *snapshot) folder(name string) *streamState {
	for _, state := range s.streams {
		if state.folder == name {
			return state
		}
	}
	return nil
}

func (s *snapshot) state(of *stream) (*streamState, error) { return s.stateOf(of.id) }

func (s *snapshot) stateOf(id moonfirefs.StreamID) (*streamState, error) {
	if s != nil {
		for _, state := range s.streams {
			if state.id == id {
				return state, nil
			}
		}
	}
	return nil, fmt.Errorf("stream %d: %w", id, moonfirefs.ErrNotFound)
}

// snapshot returns the state of all streams as of now.
func (c *catalog) snapshot(ctx context.Context) (*snapshot, error) {
	// Read before anything else: what is loaded below may be newer than the
	// version says, which costs a reload, but never older.
	version, err := c.db.Version(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	if last != nil && last.version == version {
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

func (c *catalog) loadSnapshot(ctx context.Context, version int64, last *snapshot) (*snapshot, error) {
	cameras, err := c.db.Cameras(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := c.db.Kept(ctx)
	if err != nil {
		return nil, err
	}
	intervals := keptOf(kept)
	next := &snapshot{version: version}
	for i := range cameras {
		camera := &cameras[i]
		for j := range camera.Streams {
			s := &camera.Streams[j]
			state, err := c.loadState(ctx, s)
			if err != nil {
				return nil, err
			}
			state.saved = &saved{intervals[s.ID]}
			if before, err := last.stateOf(s.ID); err == nil {
				state.eaten, state.saved = state.eaten.share(before.eaten), state.saved.share(before.saved)
			}
			state.stream = intern(last, stream{s.ID, camera.UUID, camera.ShortName, s.Kind, s.FolderName(camera)})
			state.description = camera.Description
			if before, err := last.stateOf(s.ID); err == nil && *before == *state {
				state = before // one copy for all who remember it
			}
			next.streams = append(next.streams, state)
		}
	}
	return next, nil
}

// intern returns the last snapshot's copy of an unchanged stream, so that nodes
// of different ages share one.
func intern(last *snapshot, s stream) *stream {
	if last != nil {
		if state, err := last.state(&s); err == nil && *state.stream == s {
			return state.stream
		}
	}
	return &s
}

func (c *catalog) loadState(ctx context.Context, s *moonfirefs.Stream) (*streamState, error) {
	state := &streamState{
		eaten:       &eaten{s.Trimmed90k},
		retainBytes: s.RetainBytes, sampleFileBytes: s.SampleFileBytes, duration90k: s.Duration90k,
	}
	newest, ok, err := c.db.Newest(ctx, s.ID)
	if err != nil || !ok {
		return state, err
	}
	state.newest, state.recorded = c.calendar.HourAt(newest.Start90k), true
	state.last, state.end90k = newest.ID, newest.End90k
	return state, nil
}
