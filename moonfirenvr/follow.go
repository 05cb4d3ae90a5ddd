// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// follow keeps the shadow up to date until ctx ends.
func (s *Store) follow(ctx context.Context) {
	var last string
	for wait := s.firstWait(); ; wait = followEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
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

// firstWait is how long it takes until theirs is looked at: not at all if it was not yet.
func (s *Store) firstWait() time.Duration {
	if s.lock != nil && !s.compared {
		return 0
	}
	return followEvery
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
	if err != nil || !changed && s.compared {
		return err
	}
	source, err := s.copier.openSource(ctx)
	if err != nil {
		return err
	}
	defer source.Close()
	id, err := source.uuid(ctx)
	if err != nil {
		return err
	}
	if id != s.DB.Meta().Store {
		return errors.Join(errReplaced, removeIfThere(filepath.Join(s.cacheFolder(), wholeName)))
	}
	return s.update(ctx, source, anew || !s.compared)
}

var errReplaced = errors.New("another database has taken its place: mount that again")

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
	if !whole {
		return nil
	}
	// Where the time zone has become another one, they are not packed.
	if err := s.DB.PackDays(ctx); err != nil {
		return err
	}
	return s.noteWhole()
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
