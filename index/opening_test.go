// SPDX-License-Identifier: GPL-3.0-or-later

package index

import "testing"

// Ensures that the opening in which a directory was recorded to last is found also
// after a time in which this machine's clock was ahead.
func TestLastRecordedToAfterAClockAhead(t *testing.T) {
	f := newFixture(t, 1<<20)
	f.add(1000*minute90k, 1)
	var err error
	if f.open, err = f.db.BeginOpen(t.Context(), 9); err != nil {
		t.Fatal(err)
	}
	f.add(minute90k, 1)
	if last, err := f.db.LastRecordedTo(t.Context()); err != nil || last[1] != f.open {
		t.Errorf("the last opening is %v (%v), want %d", last, err, f.open)
	}
}
