// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// follow keeps the shadow up to date until ctx ends.
func (s *Store) follow(ctx context.Context) {
	var last string
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(followEvery):
		}
		err := s.round(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && err.Error() != last {
			s.log.Error("following Moonfire NVR failed; trying again", "err", err)
		}
		last = fmt.Sprint(err)
	}
}

// round takes over what has changed.
func (s *Store) round(ctx context.Context) error {
	if s.lock == nil {
		// Another process follows, or did.
		if err := s.takeLock(); err != nil || s.lock == nil {
			return err
		}
	}
	anew, changed, err := s.copier.refresh(ctx)
	if err != nil || !changed {
		return err
	}
	source, err := s.copier.openSource(ctx)
	if err != nil {
		return err
	}
	defer source.Close()
	return s.update(ctx, source, anew)
}

// update makes the shadow what the source says. whole compares all ids; otherwise what
// vanished is looked for where retention takes it: at the beginning of each stream.
func (s *Store) update(ctx context.Context, source *source, whole bool) error {
	theirs, err := source.cameras(ctx, s.leaveOut)
	if err != nil {
		return err
	}
	if err := s.updateCameras(ctx, source, theirs); err != nil {
		return err
	}
	entries, err := source.entries(ctx, s.leaveOut)
	if err != nil {
		return err
	}
	f := &filling{Store: s, source: source, entries: entries}
	if whole {
		if f.total, err = source.count(ctx); err != nil {
			return err
		}
	}
	for i := range theirs {
		for j := range theirs[i].streams {
			st := &theirs[i].streams[j]
			if st.dir == 0 {
				continue
			}
			if err := s.forgetGone(ctx, source, st.id, whole); err != nil {
				return err
			}
			if err := f.stream(ctx, st); err != nil {
				return err
			}
		}
	}
	return nil
}

// updateCameras takes over all but the recordings.
func (s *Store) updateCameras(ctx context.Context, source *source, theirs []camera) (err error) {
	shadow := new(index.Shadow)
	if shadow.Dirs, err = source.dirs(ctx, s.leaveOut); err != nil {
		return err
	}
	s.leaveOutStreams(theirs, shadow.Dirs)
	shadow.Cameras = ours(theirs, make(nameSet))
	if shadow.Openings, err = source.openings(ctx); err != nil {
		return err
	}
	s.openings = shadow.Openings
	config := fmt.Sprint(shadow.Dirs, shadow.Cameras, shadow.Openings)
	if config == s.config {
		return nil
	}
	there := make(map[moonfirefs.StreamID]bool)
	for i := range shadow.Cameras {
		for j := range shadow.Cameras[i].Streams {
			there[shadow.Cameras[i].Streams[j].ID] = true
		}
	}
	known, err := s.DB.Cameras(ctx)
	if err != nil {
		return err
	}
	for i := range known {
		for j := range known[i].Streams {
			if id := known[i].Streams[j].ID; !there[id] {
				if err := s.forgetGone(ctx, source, id, true); err != nil {
					return err
				}
			}
		}
	}
	if err := s.DB.SetShadow(ctx, shadow); err != nil {
		return err
	}
	s.config = config
	return nil
}

// leaveOutStreams takes the directories from streams whose directory is not known.
func (s *Store) leaveOutStreams(theirs []camera, dirs []index.SampleDir) {
	for i := range theirs {
		for j := range theirs[i].streams {
			st := &theirs[i].streams[j]
			if st.dir != 0 && !slices.ContainsFunc(dirs, func(d index.SampleDir) bool { return d.ID == st.dir }) {
				s.leaveOut("stream", int64(st.id), fmt.Sprintf("its sample directory %d is not known", st.dir))
				st.dir = 0
			}
		}
	}
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// forgetGone takes recordings out of the shadow that are not in the source any more.
func (s *Store) forgetGone(ctx context.Context, source *source, stream moonfirefs.StreamID, whole bool) error {
	known := &cursor{db: s.DB, stream: stream}
	var gone []moonfirefs.RecordingID
	forget := func(atLeast int) error {
		if len(gone) < atLeast {
			return nil
		}
		defer func() { gone = gone[:0] }()
		return s.DB.FollowShadow(ctx, &index.ShadowRecordings{Gone: gone})
	}
	upTo := func(end moonfirefs.RecordingID) error {
		for {
			id, ok, err := known.peek(ctx)
			if err != nil || !ok || id > end {
				return err
			}
			known.next()
			if id < end {
				gone = append(gone, id)
			}
			if err := forget(batchRows); err != nil {
				return err
			}
		}
	}
	err := source.ids(ctx, stream, func(id moonfirefs.RecordingID) error {
		if err := upTo(id); err != nil || whole {
			return err
		}
		return errEnough
	})
	if err == nil {
		err = upTo(firstID(stream + 1))
	}
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return forget(1)
}

// cursor walks over the ids of recordings in the shadow.
type cursor struct {
	db     *index.DB
	stream moonfirefs.StreamID
	ids    []moonfirefs.RecordingID
	after  moonfirefs.RecordingID
}

// peek is the id where the cursor is; ok is false behind the last one.
func (c *cursor) peek(ctx context.Context) (id moonfirefs.RecordingID, ok bool, err error) {
	if len(c.ids) == 0 {
		if c.ids, err = c.db.RecordingIDs(ctx, c.stream, c.after, batchRows); err != nil || len(c.ids) == 0 {
			return 0, false, err
		}
	}
	return c.ids[0], true, nil
}

func (c *cursor) next() { c.after, c.ids = c.ids[0], c.ids[1:] }

// filling takes over new recordings.
type filling struct {
	*Store
	source  *source
	entries map[int64]*moonfirefs.VideoSampleEntry
	// done and total count recordings; total is 0 if nobody needs to know.
	done, total int64
}

// stream takes over what is new of a stream.
func (f *filling) stream(ctx context.Context, st *stream) error {
	newest, ok, err := f.DB.Newest(ctx, st.id)
	if err != nil {
		return err
	}
	before := firstID(st.id) - 1
	if ok {
		before = newest.ID
	}
	first := !ok
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := &index.ShadowRecordings{Trimmed: make(map[moonfirefs.StreamID][]moonfirefs.Time90k)}
		n := 0
		// The source has one connection: the shadow is written to once it is free.
		err := f.source.recordings(ctx, st, before, batchRows, func(r *recording, problem error) error {
			n++
			// Where the predecessor was deleted before anybody looked, what ends here is not
			// whole. The first recording ever has the number 0 or 1.
			if first && r.ID > firstID(st.id)+1 || r.RunOffset > 0 && r.ID > before+1 {
				batch.Trimmed[st.id] = append(batch.Trimmed[st.id], r.Start90k.Add(-1))
			}
			first, before = false, max(r.ID, before)
			f.add(batch, r, problem)
			return nil
		})
		if err != nil || n == 0 {
			return err
		}
		if err := f.DB.FollowShadow(ctx, batch); err != nil {
			return err
		}
		if f.done += int64(n); f.total > 0 {
			f.options.Show(Work{Name: "reading its recordings"}, min(f.done, f.total), f.total)
		}
	}
}

// add adds a recording to a batch, if it is one.
func (f *filling) add(batch *index.ShadowRecordings, r *recording, problem error) {
	if f.openings[r.Open] == uuid.Nil && problem == nil {
		problem = fmt.Errorf("its opening %d is missing", r.Open)
	}
	entry, why := r.prepare(problem, f.entries)
	if entry == nil {
		f.leaveOut("recording", int64(r.ID), why)
		return
	}
	batch.Insert, batch.Entries = append(batch.Insert, &r.Recording), append(batch.Entries, entry)
}
