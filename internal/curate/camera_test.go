// SPDX-License-Identifier: GPL-3.0-or-later

package curate

import (
	"errors"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// Ensures that an edit does not take back what somebody else has changed meanwhile.
func TestEditCameraMeanwhile(t *testing.T) {
	s, _, _ := open(t, 1)
	describe := func(text string) func(*moonfirefs.Camera) error {
		return func(c *moonfirefs.Camera) error { c.Description = text; return nil }
	}
	_, err := EditCamera(t.Context(), s.DB, "driveway", func(c *moonfirefs.Camera) error {
		c.Streams[0].RetainBytes = 1
		_, err := EditCamera(t.Context(), s.DB, "driveway", describe("other"))
		return err
	})
	if err == nil || err.Error() != "camera driveway was changed by somebody else at the same time; nothing was changed: repeat the command" {
		t.Errorf("got %v", err)
	}
	c, err := EditCamera(t.Context(), s.DB, "DRIVEWAY", func(c *moonfirefs.Camera) error {
		c.Streams[0].RetainBytes = 2
		return nil
	})
	if err != nil || c.Description != "other" || c.Streams[0].RetainBytes != 2 {
		t.Errorf("got %+v, %v", c, err)
	}
	stored, err := FindCamera(t.Context(), s.DB, "driveway")
	if err != nil || stored.Description != "other" || stored.Streams[0].RetainBytes != 2 {
		t.Errorf("stored %+v, %v", stored, err)
	}
}

// Ensures that a change which fails stores nothing.
func TestEditCameraFails(t *testing.T) {
	s, _, _ := open(t, 0)
	broken := errors.New("broken")
	_, err := EditCamera(t.Context(), s.DB, "driveway", func(c *moonfirefs.Camera) error {
		c.Description = "half"
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if c, err := FindCamera(t.Context(), s.DB, "driveway"); err != nil || c.Description != "" {
		t.Errorf("stored %+v, %v", c, err)
	}
}

// Ensures that a retired camera has its footage, and no password.
func TestRetireCamera(t *testing.T) {
	s, stream, _ := open(t, 2)
	_, err := EditCamera(t.Context(), s.DB, "driveway", func(c *moonfirefs.Camera) error {
		c.Username, c.Password = "admin", "secret"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := RetireCamera(t.Context(), s.DB, "driveway")
	if err != nil || !c.Retired || c.Username != "" || c.Password != "" {
		t.Errorf("got %+v, %v", c, err)
	}
	if n := left(t, s, stream.ID); n != 2 {
		t.Errorf("%d recordings are left", n)
	}
}

// Ensures that a camera with footage is removed only after somebody has confirmed that,
// and never with kept footage.
func TestRemoveCamera(t *testing.T) {
	refused := errors.New("refused")
	tests := map[string]struct {
		recordings int
		// keep is when an interval is kept: before the removal or while it is confirmed.
		keepBefore, keepMeanwhile bool
		confirm                   func() error
		want                      error
		removed                   bool
	}{
		"no footage":     {removed: true},
		"not said":       {recordings: 2, want: new(HasFootageError)},
		"refused":        {recordings: 2, confirm: func() error { return refused }, want: refused},
		"confirmed":      {recordings: 2, confirm: func() error { return nil }, removed: true},
		"kept":           {recordings: 2, keepBefore: true, confirm: func() error { return nil }, want: moonfirefs.ErrInvalid},
		"kept meanwhile": {recordings: 2, keepMeanwhile: true, confirm: func() error { return nil }, want: moonfirefs.ErrInvalid},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, stream, all := open(t, test.recordings)
			if test.keepBefore {
				keepFirst(t, s, all[0])
			}
			removal := Removal{By: owner, Logger: quiet}
			if test.confirm != nil {
				removal.ConfirmDeletion = func(_ *moonfirefs.Camera, sizeBytes int64) error {
					if want := all[0].SampleFileBytes + all[1].SampleFileBytes; sizeBytes != want {
						t.Errorf("asked about %d bytes, want %d", sizeBytes, want)
					}
					if test.keepMeanwhile {
						keepFirst(t, s, all[0])
					}
					return test.confirm()
				}
			}
			_, err := RemoveCamera(t.Context(), s, "driveway", removal)
			requireError(t, err, test.want)
			if n := left(t, s, stream.ID); test.removed && n != 0 || !test.removed && n != int64(test.recordings) {
				t.Errorf("%d of %d recordings are left", n, test.recordings)
			}
			if _, err := FindCamera(t.Context(), s.DB, "driveway"); errors.Is(err, moonfirefs.ErrNotFound) != test.removed {
				t.Errorf("the camera: %v", err)
			}
		})
	}
}

func keepFirst(t *testing.T, s *store.Store, r *moonfirefs.Recording) {
	t.Helper()
	k := &moonfirefs.Kept{Stream: r.Stream, Name: "x", Start90k: r.Start90k, End90k: r.End90k(), Since90k: r.End90k()}
	if _, err := Keep(t.Context(), s.DB, k); err != nil {
		t.Fatal(err)
	}
}

// requireError compares an error with the one that is wanted, or its type.
func requireError(t *testing.T, got, want error) {
	t.Helper()
	if e := new(HasFootageError); errors.As(want, &e) {
		if !errors.As(got, &e) || e.Camera != "driveway" || e.SampleFileBytes == 0 {
			t.Errorf("got %v, want a HasFootageError", got)
		}
		return
	}
	if !errors.Is(got, want) || got != nil && want == nil {
		t.Errorf("got %v, want %v", got, want)
	}
}
