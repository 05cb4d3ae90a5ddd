// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"testing"
	"time"
	_ "time/tzdata" // the tests must not depend on the machine's zones

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

const newYork = "America/New_York"

func inNewYork(t testing.TB) civil.Calendar {
	t.Helper()
	zone, err := time.LoadLocation(newYork)
	if err != nil {
		t.Fatal(err)
	}
	return civil.Calendar{Zone: zone}
}

// newStore makes a store with a camera "driveway", whose stream may have a number of
// bytes, and a catalog of it.
func newStore(t testing.TB, retainBytes int64) (*teststore.Store, *Catalog) {
	t.Helper()
	s := teststore.MustOpen(t, teststore.NewWith(t, newYork, teststore.Camera{Name: "driveway", RetainBytes: retainBytes}))
	c, err := New(Options{Index: s.DB, Dirs: s.Directories(), Zone: s.Zone, Created90k: s.DB.Meta().Created90k})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func insertRows(t testing.TB, s *teststore.Store, r teststore.Rows) []moonfirefs.Summary {
	t.Helper()
	inserted, err := s.InsertRows(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return inserted
}
