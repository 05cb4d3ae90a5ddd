// SPDX-License-Identifier: GPL-3.0-or-later

package verify_test

import (
	"flag"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/proof/notary"
)

var leave = flag.String("leave", "", "directory in which TestLeave leaves a store")

// TestLeave leaves a store for the tests of the packages: it has a key, and footage of a day
// that is over and not signed yet. The next recorder signs it.
func TestLeave(t *testing.T) {
	if *leave == "" {
		t.Skip("only with -leave")
	}
	f := &fixture{T: t}
	f.must(teststore.Create(t.Context(), *leave, zone, teststore.Camera{Name: "yard", RetainBytes: 1 << 40}))
	_, err := notary.FolderOf(*leave).Init(0)
	f.must(err)
	s, err := teststore.Open(t.Context(), *leave)
	f.must(err)
	f.must(s.Record(t.Context(), teststore.Take{
		Folder: "yard", Start: teststore.At(date + "T13:10:00+01:00"), Recordings: 3, Seconds: 20, Media: teststore.MadeUp(params, 300),
	}))
	f.must(s.Close())
}
