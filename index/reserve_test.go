// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"errors"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// A reserved name tells whether its file is being written or on its way out.
func TestReservedTellsTheState(t *testing.T) {
	f := newFixture(t, 100)
	names, err := f.db.Reserve(t.Context(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	old, _ := f.add(1000, 1)
	f.add(2000, 50) // exceeds the quota
	all, err := f.db.Reserved(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	deleting := map[string]bool{}
	for _, r := range all {
		if r.Dir != 1 || r.Recorded {
			t.Errorf("%+v", r)
		}
		deleting[r.UUID.String()] = r.Deleting
	}
	if d, ok := deleting[names[0].String()]; d || !ok {
		t.Errorf("the name that is free: %v", all)
	}
	if d, ok := deleting[old.SampleFile.String()]; !d || !ok {
		t.Errorf("the name of the deleted recording: %v", all)
	}
}

// Only a stream and an opening that are in the index can have a recording.
func TestCheckOrigin(t *testing.T) {
	f := newFixture(t, 100)
	open, err := f.db.BeginOpen(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.db.CheckOrigin(t.Context(), f.stream(), open); err != nil {
		t.Error(err)
	}
	for stream, open := range map[moonfirefs.StreamID]moonfirefs.OpenID{99: open, f.stream(): 99} {
		if err := f.db.CheckOrigin(t.Context(), stream, open); !errors.Is(err, moonfirefs.ErrNotFound) {
			t.Errorf("stream %d, opening %d: %v", stream, open, err)
		}
	}
}
