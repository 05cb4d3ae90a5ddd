// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// Ensures that a camera and its tiers are changed together or not at all, and that nothing is
// taken back that somebody else has changed.
func TestSetUpCamera(t *testing.T) {
	f := newFixture(t, 1000)
	bulk := &SampleDir{UUID: uuid.New(), Path: filepath.Join(t.TempDir(), "bulk")}
	other := &SampleDir{UUID: uuid.New(), Path: bulk.Path + "2"}
	for _, d := range []*SampleDir{bulk, other} {
		if err := f.db.AddSampleDir(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	tier := func(d *SampleDir, retainBytes int64) *moonfirefs.Tier {
		return &moonfirefs.Tier{SampleDir: d.ID, After90k: moonfirefs.UnitsPerSecond, RetainBytes: retainBytes}
	}
	none := (*moonfirefs.Tier)(nil)
	steps := []struct {
		before, after *moonfirefs.Tier
		want          error
	}{
		{before: none, after: tier(bulk, 500)},
		{before: none, after: tier(bulk, 600), want: ErrChanged},
		{before: tier(bulk, 600), after: none, want: ErrChanged},
		{before: tier(bulk, 500), after: tier(other, 500), want: moonfirefs.ErrExists},
		{before: tier(bulk, 500), after: tier(bulk, -1), want: moonfirefs.ErrInvalid},
		{before: tier(bulk, 500), after: tier(bulk, 400)},
		{before: tier(bulk, 400), after: none},
		{before: tier(bulk, 400), after: none, want: ErrChanged},
	}
	for i, step := range steps {
		cameras, err := f.db.Cameras(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before, after := cameras[0], cameras[0].Settings()
		after.Streams[0].RetainBytes = int64(2000 + i)
		err = f.db.SetUpCamera(t.Context(), &before, &after, []TierChange{{after.Streams[0].Kind, step.before, step.after}})
		if !errors.Is(err, step.want) {
			t.Fatalf("step %d: %v, want %v", i, err, step.want)
		}
		wantTier, wantBytes := step.after, after.Streams[0].RetainBytes
		if step.want != nil {
			wantTier, wantBytes = nil, before.Streams[0].RetainBytes
			if n := before.Streams[0].TierRetainBytes; n > 0 {
				wantTier = tier(bulk, n)
			}
		}
		stored, err := f.db.Tier(t.Context(), before.Streams[0].ID)
		if err != nil || !stored.SameSettings(wantTier) {
			t.Errorf("step %d: the tier is %+v (%v), want %+v", i, stored, err, wantTier)
		}
		if cameras, err = f.db.Cameras(t.Context()); err != nil || cameras[0].Streams[0].RetainBytes != wantBytes {
			t.Errorf("step %d: the camera is %+v (%v)", i, cameras, err)
		}
	}

	fresh := &moonfirefs.Camera{UUID: uuid.New(), ShortName: "garden", Streams: []moonfirefs.Stream{{
		Kind: moonfirefs.MainStream, SampleDir: 1, URL: "rtsp://192.0.2.1/", Transport: moonfirefs.TCP, RetainBytes: 1000,
	}}}
	if err := f.db.SetUpCamera(t.Context(), nil, fresh, []TierChange{{Kind: moonfirefs.SubStream, After: tier(bulk, 1)}}); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("a tier of a stream that is not there: %v", err)
	}
	if err := f.db.SetUpCamera(t.Context(), nil, fresh, []TierChange{{Kind: moonfirefs.MainStream, After: tier(bulk, 1)}}); err != nil {
		t.Error(err)
	}
	if stored, err := f.db.Tier(t.Context(), fresh.Streams[0].ID); err != nil || !stored.SameSettings(tier(bulk, 1)) {
		t.Errorf("the tier of a new camera is %+v (%v)", stored, err)
	}
}
