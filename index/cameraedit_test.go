// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"errors"
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// Ensures that whoever has read a camera before somebody else changed it changes nothing,
// and that what is recorded meanwhile is no such change.
func TestUpdateCameraMeanwhile(t *testing.T) {
	f := newFixture(t, 1<<40)
	read := func() moonfirefs.Camera {
		cameras, err := f.db.Cameras(t.Context())
		if err != nil || len(cameras) != 1 {
			t.Fatalf("cameras %v, %v", cameras, err)
		}
		return cameras[0]
	}
	edited := func(c moonfirefs.Camera, retainBytes int64) *moonfirefs.Camera {
		c.Streams = slices.Clone(c.Streams)
		c.Streams[1].RetainBytes = retainBytes
		return &c
	}
	before := read()
	f.add(1000*moonfirefs.UnitsPerSecond, 10)
	if err := f.db.UpdateCamera(t.Context(), &before, edited(before, 5)); err != nil {
		t.Fatal(err)
	}
	if err := f.db.UpdateCamera(t.Context(), &before, edited(before, 6)); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v", err)
	}
	if c := read(); c.Streams[1].RetainBytes != 5 {
		t.Errorf("stored %+v", c)
	}
	unknown := before
	unknown.ID = 99
	if err := f.db.UpdateCamera(t.Context(), &unknown, &unknown); !errors.Is(err, moonfirefs.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
