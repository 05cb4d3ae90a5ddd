// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// Names are being written from when they are reserved until a recording has them; those
// of what was deleted are not.
func TestWriting(t *testing.T) {
	f := newFixture(t, 100)
	writing := func() (names []uuid.UUID) {
		files, err := f.db.Writing(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if file.Dir != 1 {
				t.Errorf("%+v", file)
			}
			names = append(names, file.UUID)
		}
		return names
	}
	names, err := f.db.Reserve(t.Context(), 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := writing(); !slices.Equal(got, names) {
		t.Errorf("%v are being written, want %v", got, names)
	}
	f.commit(&Change{
		Dir: 1, Insert: []*moonfirefs.Recording{f.recording(names[0], 1000, 1)}, SampleEntries: []*moonfirefs.VideoSampleEntry{testEntry},
	})
	f.add(2000, 50) // exceeds the quota
	if got := writing(); !slices.Equal(got, names[1:]) {
		t.Errorf("%v are being written, want %v", got, names[1:])
	}
}
