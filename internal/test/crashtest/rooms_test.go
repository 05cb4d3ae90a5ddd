// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/previews"
)

// rooms are the databases beside the index: that of previews, which may lose all that it has but
// must not be damaged, and that of events, which may lose nothing.
type rooms struct {
	store, camera uuid.UUID
	// events are the numbers of those that were added.
	events []int64
}

// furnish has the program make previews from now on, and lets events be promised.
func (s *site) furnish() {
	s.t.Helper()
	s.options = append(s.options, "--previews", "all")
	opened, cameras := s.openCameras()
	defer opened.Close()
	s.rooms = &rooms{store: opened.DB.Meta().Store, camera: cameras[0].UUID}
}

// tryEvent adds an event of now, beside the program if it runs. Unless that fails, it is promised.
func (s *site) tryEvent() error {
	d, err := events.OpenDatabase(s.t.Context(), filepath.Join(s.path, events.FileName), s.rooms.store)
	if err != nil {
		return err
	}
	now90k := moonfirefs.FromTime(time.Now())
	e := events.Event{Camera: s.rooms.camera, Interval: moonfirefs.Interval{Start90k: now90k, End90k: now90k}, Label: "event", Source: "test"}
	id, err := d.Add(s.t.Context(), e)
	if err == nil {
		s.rooms.events = append(s.rooms.events, id)
	}
	return errors.Join(err, d.Close())
}

// promiseEvent is tryEvent where nothing is in its way.
func (s *site) promiseEvent() {
	s.t.Helper()
	if err := s.tryEvent(); err != nil {
		s.t.Fatal(err)
	}
}

// brokenRooms returns what is wrong with the databases beside the index.
func (s *site) brokenRooms(ctx context.Context, opened *store.Store) (problems []string) {
	id := opened.DB.Meta().Store
	found, err := events.Problems(ctx, filepath.Join(s.path, events.FileName), id)
	for _, problem := range found {
		problems = append(problems, "events: "+problem)
	}
	also, orphans, err2 := previews.Problems(ctx, filepath.Join(s.path, previews.FileName), id, opened.DB)
	for _, problem := range also {
		problems = append(problems, "previews: "+problem)
	}
	if orphans > 0 {
		problems = append(problems, fmt.Sprintf("%d pictures are of no recording", orphans))
	}
	for _, err := range []error{err, err2} {
		if err != nil && !errors.Is(err, moonfirefs.ErrNotFound) {
			problems = append(problems, err.Error())
		}
	}
	return append(problems, s.missingEvents(ctx)...)
}

// missingEvents returns which events are missing that were promised.
func (s *site) missingEvents(ctx context.Context) (problems []string) {
	if s.rooms == nil || len(s.rooms.events) == 0 {
		return nil
	}
	d, err := events.ReadDatabase(ctx, filepath.Join(s.path, events.FileName))
	if err != nil {
		return []string{err.Error()}
	}
	all, err := d.All(ctx)
	if err = errors.Join(err, d.Close()); err != nil {
		return []string{err.Error()}
	}
	there := make(map[int64]bool)
	for _, e := range all {
		there[e.ID] = true
	}
	for _, id := range s.rooms.events {
		if !there[id] {
			problems = append(problems, fmt.Sprintf("event %d is missing", id))
		}
	}
	return problems
}

// pictures makes sure that the program makes previews after all of them were deleted, and ends it.
func (s *site) pictures() []string {
	s.t.Helper()
	path := filepath.Join(s.path, previews.FileName)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.t.Fatal(err)
		}
	}
	p := s.start("")
	made := func() bool {
		count, err := exec.CommandContext(s.t.Context(), "sqlite3", "-readonly", "-cmd", ".timeout 5000",
			path, "select count(*) from picture where length(jpeg) > 0").Output()
		return err == nil && strings.TrimSpace(string(count)) != "0"
	}
	if !p.waitUntil(made) || !p.waitUntil(func() bool { return p.records(cameraCount) }) {
		return []string{"no previews are made:\n" + tail(p.log(), 20)}
	}
	return s.stopAndInspect()
}
