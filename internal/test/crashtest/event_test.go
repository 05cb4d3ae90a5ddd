// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events"
)

// TestEventKills ensures that no kill costs footage with events, for which there is room in its
// part of the quota: neither between an event and its marks, nor while retention deletes what is
// around it; and that previews are made afterwards as before.
func TestEventKills(t *testing.T) {
	t.Parallel()
	const plentyBytes = 100 * retainBytes
	s := newSite(t, filepath.Join(t.TempDir(), "store"), "")
	// The recordings of the events alone are marked, for which there is just enough room.
	s.options = []string{"--event-margin", "0s"}
	s.furnish()
	s.warmUp()
	points := []string{"delete.1.after", "commit.after", "delete.2.after", "delete.1.before", "delete.2.before", "delete.4.after"}
	s.repeat("SIGKILL with events", tries(3, 24), func(i int) (problems []string) {
		s.limit(plentyBytes, plentyBytes/2)
		p := s.start("")
		p.waitUntil(func() bool {
			promises, err := p.promises()
			return err == nil && len(promises) > 10*cameraCount
		})
		s.addEvents(2)
		s.kill()
		var spared, total int64
		for _, r := range s.recordingsOf("cam0") {
			total += r.SampleFileBytes
			if s.spared[r.SampleFile] {
				spared += r.SampleFileBytes
			}
		}
		// Half of the rest has to go.
		s.limit((total+spared)/2, spared)
		point := points[i%len(points)]
		p = s.start(point + "=kill")
		p.waitUntil(p.hasExited)
		problems = append(s.killedAt(point), s.inspect(afterCrash)...)
		p = s.start("")
		if !p.waitUntil(func() bool { return p.records(cameraCount) }) {
			problems = append(problems, "recording does not go on:\n"+tail(p.log(), 20))
		}
		return append(problems, s.stopAndInspect()...)
	})
	for _, problem := range s.pictures() {
		t.Error(problem)
	}
}

// limit changes the quota of the first camera, and the part of it that is for events.
func (s *site) limit(retainBytes, eventsBytes int64) {
	s.t.Helper()
	opened, cameras := s.openCameras()
	defer opened.Close()
	after := cameras[0]
	after.Streams = append([]moonfirefs.Stream{}, cameras[0].Streams...)
	after.Streams[0].RetainBytes, after.Streams[0].RetainMarkedBytes = retainBytes, eventsBytes
	if err := opened.DB.UpdateCamera(s.t.Context(), &cameras[0], &after); err != nil {
		s.t.Fatal(err)
	}
}

// addEvents adds n events of the first camera, in its oldest recordings that have none, and
// remembers those.
func (s *site) addEvents(n int) {
	s.t.Helper()
	opened, cameras := s.openCameras()
	defer opened.Close()
	d, err := events.OpenDatabase(s.t.Context(), filepath.Join(s.path, events.FileName), opened.DB.Meta().Store)
	if err != nil {
		s.t.Fatal(err)
	}
	defer d.Close()
	for _, r := range s.recordingsOf("cam0") {
		if s.spared[r.SampleFile] || n == 0 {
			continue
		}
		n--
		middle90k := r.Start90k.Add(r.Duration90k / 2)
		e := events.Event{
			Camera: cameras[0].UUID, Interval: moonfirefs.Interval{Start90k: middle90k, End90k: middle90k},
			Label: fmt.Sprintf("event %d", r.ID), Source: "test",
		}
		if _, err := d.Add(s.t.Context(), e); err != nil {
			s.t.Fatal(err)
		}
		s.spared[r.SampleFile] = true
	}
}
