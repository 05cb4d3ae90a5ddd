package fs

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	moonfire "github.com/moonfirefs/moonfire"
)

// stream is what the tree needs to know of a stream and what does not change
// with its recordings. It is shared by all nodes of the stream, and immutable.
type stream struct {
	id     moonfire.StreamID
	camera uuid.UUID
	kind   moonfire.StreamKind
	// folder is the name of the stream's folder.
	folder string
}

// streamState is what can change with each commit.
type streamState struct {
	*stream
	// visibleFrom90k hides what rotation has begun to eat: every recording that
	// starts from here on is shown, none before. It is the start of an hour.
	visibleFrom90k moonfire.Time90k
	// newest is the hour of the newest recording; recorded is false if there is
	// none.
	newest   hour
	recorded bool
	// end90k is when the newest recording ends.
	end90k moonfire.Time90k
}

// growing tells whether h can get more recordings, or has lost some and is shown
// nevertheless.
func (s *streamState) growing(h hour) bool { return s.recorded && h.end > s.newest.start }

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

func (s *snapshot) state(of *stream) (*streamState, error) {
	for _, state := range s.streams {
		if state.id == of.id {
			return state, nil
		}
	}
	return nil, fmt.Errorf("stream %d: %w", of.id, moonfire.ErrNotFound)
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
	next := &snapshot{version: version}
	for i := range cameras {
		camera := &cameras[i]
		for j := range camera.Streams {
			s := &camera.Streams[j]
			state, err := c.loadState(ctx, s)
			if err != nil {
				return nil, err
			}
			state.stream = intern(last, stream{s.ID, camera.UUID, s.Kind, s.FolderName(camera)})
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

func (c *catalog) loadState(ctx context.Context, s *moonfire.Stream) (*streamState, error) {
	state := &streamState{visibleFrom90k: moonfire.MinTime90k}
	span := span{moonfire.MinTime90k, moonfire.MaxTime90k}
	start, end, ok, err := c.lastRecording(ctx, s.ID, span)
	if err != nil || !ok {
		return state, err
	}
	state.newest, state.recorded, state.end90k = c.calendar.hourAt(start), true, end
	if s.RotatedThrough90k > moonfire.MinTime90k {
		// The hour in which rotation is now has lost its beginning, those before
		// it are gone. The newest hour is shown even so.
		state.visibleFrom90k = min(c.calendar.hourAt(s.RotatedThrough90k).end, state.newest.start)
	}
	return state, nil
}

// lastRecording returns when the last recording that starts within a span starts
// and ends.
func (c *catalog) lastRecording(ctx context.Context, id moonfire.StreamID, within span) (start, end moonfire.Time90k, ok bool, err error) {
	start, ok, err = c.db.LastStart(ctx, id, within.end)
	if err != nil || !ok || start < within.start {
		return 0, 0, false, err
	}
	err = c.db.EachSummary(ctx, id, start, start+1, func(r *moonfire.Summary) error {
		end = max(end, r.End90k())
		return nil
	})
	return start, max(start, end), err == nil, err
}
