// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/library"
)

// rosterOf makes the roster of stores from "house: driveway yard".
func rosterOf(before *roster, always bool, away string, lines ...string) *roster {
	of := make(map[string]reserved)
	var members []*member
	var snapshots []*library.Snapshot
	for _, line := range lines {
		store, folders, _ := strings.Cut(line, ":")
		now := new(library.Snapshot)
		r := reserved{make(map[string]bool), make(map[string]bool)}
		for _, folder := range strings.Fields(folders) {
			stream := &library.Stream{Folder: folder, Camera: uuid.NewSHA1(uuid.Nil, []byte(line+folder)), Kind: moonfirefs.MainStream}
			now.Streams = append(now.Streams, &library.StreamState{Stream: stream})
			r.folders[fold(folder)] = true
		}
		of[store] = r
		if store != away {
			members, snapshots = append(members, &member{Member: &Member{Name: store}}), append(snapshots, now)
		}
	}
	return newRoster(nil, members, snapshots, of, always, before)
}

func (r *roster) text() string {
	var names []string
	for _, e := range r.entries {
		names = append(names, e.name)
	}
	return strings.Join(names, " ")
}

// TestRosterNames ensures that names which several stores have, in whatever case, get the
// store's name, also while one of the stores is away, and that no two folders have one name.
func TestRosterNames(t *testing.T) {
	tests := []struct {
		always bool
		away   string
		stores []string
		want   string
	}{
		{false, "", []string{"house: driveway yard", "barn: stable"}, "driveway stable yard"},
		{false, "", []string{"house: driveway yard", "barn: Driveway"}, "Driveway@barn driveway@house yard"},
		{false, "house", []string{"house: driveway yard", "barn: driveway"}, "driveway@barn"},
		{false, "", []string{"house: driveway driveway-sub", "barn: driveway-sub"}, "driveway driveway-sub@barn driveway-sub@house"},
		{false, "", []string{"house: driveway@barn driveway", "barn: driveway"}, "driveway@barn driveway@barn@house driveway@house"},
		{true, "", []string{"house: driveway", "barn: stable"}, "driveway@house stable@barn"},
	}
	for _, test := range tests {
		r := rosterOf(nil, test.always, test.away, test.stores...)
		if got := r.text(); got != test.want {
			t.Errorf("%v without %q: %s, want %s", test.stores, test.away, got, test.want)
		}
		if len(r.byName) != len(r.entries) {
			t.Errorf("%v: two folders have the same name", test.stores)
		}
	}
}

// TestRosterTwins ensures that of two streams with the same identity, whose inode numbers would
// be the same, one is shown.
func TestRosterTwins(t *testing.T) {
	r := rosterOf(nil, true, "", "house: driveway", "barn: stable")
	twin := *r.entries[0].state
	snapshots := []*library.Snapshot{{Streams: []*library.StreamState{r.entries[0].state}}, {Streams: []*library.StreamState{&twin}}}
	members := []*member{{Member: &Member{Name: "a"}}, {Member: &Member{Name: "b"}}}
	twins := newRoster(nil, members, snapshots, nil, true, nil)
	if twins.text() != "driveway@a" || len(twins.unshown) != 1 {
		t.Errorf("%s; not shown: %q", twins.text(), twins.unshown)
	}
}

// TestKeptNames ensures that kept footage is found under the name that it is listed under, and
// under no other.
func TestKeptNames(t *testing.T) {
	n := &memberNames{store: "nvr.example.com", kept: map[string]bool{"burglary": true}}
	for own, want := range map[string]string{
		"burglary.mp4": "burglary@nvr.example.com.mp4", "Burglary-2.mp4": "Burglary-2@nvr.example.com.mp4",
		"party.mp4": "party.mp4", "a@b.mp4": "a@b@nvr.example.com.mp4",
	} {
		got := n.Kept(own)
		if got != want {
			t.Errorf("%s is %s, not %s", own, got, want)
		}
		if back, store, ok := cutQualifier(got); got != own && (back != own || store != n.store || !ok) {
			t.Errorf("%s is taken for %s of %s", got, back, store)
		}
	}
}

// TestStoreNames ensures that names are refused with which a folder could be taken for another
// store's.
func TestStoreNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"house": true, "nvr.example.com": true, "a b": true, "": false, "a@b": false, "a/b": false, ".hidden": false, strings.Repeat("x", 41): false,
	} {
		if err := CheckStoreName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
