// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/library"
)

// roster says which folders several stores have in their root. It follows from what was
// known last of each, and is immutable.
type roster struct {
	standings []Standing
	members   []*member
	// snapshots are those of the members, in parallel.
	snapshots []*library.Snapshot
	names     map[*member]*memberNames
	byName    map[string]*rosterEntry
	// entries are by name.
	entries []*rosterEntry
	// unshown are streams that have no folder: a line about each.
	unshown []string
}

// rosterEntry is a stream's folder.
type rosterEntry struct {
	name   string
	member *member
	state  *library.StreamState
}

// reserved is what a store has names for, also while it is away: a name must not pass to
// another store's camera meanwhile.
type reserved struct{ folders, kept map[string]bool }

func reservedBy(now *library.Snapshot) reserved {
	r := reserved{make(map[string]bool), make(map[string]bool)}
	for _, s := range now.Streams {
		r.folders[fold(s.Folder)] = true
	}
	for _, name := range now.KeptNames() {
		r.kept[keptStem(name)] = true
	}
	return r
}

// cameraStream identifies a stream, and the inode numbers of all that is in its folder.
type cameraStream struct {
	camera [16]byte
	kind   moonfirefs.StreamKind
}

// newRoster gives names to what members have. of are the names of all stores by name of store,
// those included that are away. Names that are as before are the same values as before.
func newRoster(standings []Standing, members []*member, snapshots []*library.Snapshot, of map[string]reserved, always bool, before *roster) *roster {
	r := &roster{standings: standings, members: members, snapshots: snapshots, names: make(map[*member]*memberNames), byName: make(map[string]*rosterEntry)}
	shown := make(map[cameraStream]*rosterEntry)
	for i, m := range members {
		names := namesOf(m.Name, of, always)
		if known := before.namesOf(m); known != nil && known.equal(names) {
			names = known
		}
		r.names[m] = names
		for _, state := range snapshots[i].Streams {
			e := &rosterEntry{names.Folder(state.Folder), m, state}
			id := cameraStream{state.Camera, state.Kind}
			if twin := shown[id]; twin != nil {
				r.unshown = append(r.unshown, fmt.Sprintf("store %s: the camera of %s is the same as that of %s in store %s: one store is a copy of the other", m.Name, state.Folder, twin.state.Folder, twin.member.Name))
				continue
			}
			shown[id], r.byName[e.name] = e, e
			r.entries = append(r.entries, e)
		}
	}
	slices.SortFunc(r.entries, func(a, b *rosterEntry) int { return cmp.Compare(a.name, b.name) })
	return r
}

// namesOf finds what other stores have names for as well.
func namesOf(store string, of map[string]reserved, always bool) *memberNames {
	n := &memberNames{store, always, make(map[string]bool), make(map[string]bool)}
	own := of[store]
	for other, r := range of {
		if other == store {
			continue
		}
		for name := range r.folders {
			if own.folders[name] {
				n.folders[name] = true
			}
		}
		for name := range r.kept {
			if own.kept[name] {
				n.kept[name] = true
			}
		}
	}
	return n
}

func (r *roster) namesOf(m *member) *memberNames {
	if r == nil {
		return nil
	}
	return r.names[m]
}

// of returns the member with a name; nil if there is none.
func (r *roster) of(store string) *member {
	for _, m := range r.members {
		if m.Name == store {
			return m
		}
	}
	return nil
}

// keptFile is what the name of a file of kept footage stands for.
type keptFile struct {
	library.KeptFile
	member *member
	// own is the name that the store has for it.
	own string
}

// kept finds the file of kept footage with a name. There may be no footage for it.
func (r *roster) kept(name string) (found keptFile, ok bool) {
	own, store, qualified := cutQualifier(name)
	for i, m := range r.members {
		candidate := name
		if qualified && m.Name == store {
			candidate = own
		}
		file, is := r.snapshots[i].Kept(candidate)
		if is && r.names[m].Kept(candidate) == name {
			return keptFile{file, m, candidate}, true
		}
	}
	return keptFile{}, false
}
