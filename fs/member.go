// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"maps"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/pages"
)

// Member is a store among several that are mounted as one tree. It is immutable.
type Member struct {
	// Name tells what the store has from what others call the same: the folder driveway of
	// the store house is "driveway@house" then. It is a name that CheckStoreName accepts.
	Name string
	// Catalog, Companions, Albums, Marks and Live are as in Options.
	Catalog    *library.Catalog
	Companions []Companions
	Albums     []Album
	Marks      pages.Marks
	Live       func(ctx context.Context, s *library.Stream, name string) (*LiveFile, error)
}

// Standing is how a store is doing.
type Standing struct {
	// Name is that of the store. It is another one's in no other Standing.
	Name string
	// Member is nil while the store cannot be shown. What was open of one that is left out, or
	// is another one than before, fails from then on.
	Member *Member
	// Problem says in words what is wrong; empty if nothing is.
	Problem string
}

// member is a store in a mount.
type member struct {
	*Member
	tree *tree
	// cancel ends the watcher.
	cancel context.CancelFunc
	// looked is told of each look of the watcher.
	looked atomic.Int64
}

// memberNames says how what a store has is called in the root. It is immutable.
type memberNames struct {
	store string
	// always says that all names have the store's.
	always bool
	// folders and kept are those that other stores have as well, without regard to case.
	folders, kept map[string]bool
}

var _ pages.Names = (*memberNames)(nil)

// qualifier stands between a name and that of its store.
const qualifier = "@"

// fold makes names equal that Windows and macOS take for one.
func fold(name string) string { return strings.ToLower(name) }

var numberOfPart = regexp.MustCompile(`(-\d{1,3})+$`)

// keptStem is the same for all files of one interval that is kept.
func keptStem(file string) string {
	return numberOfPart.ReplaceAllString(fold(strings.TrimSuffix(file, mp4Suffix)), "")
}

const mp4Suffix = ".mp4"

// Folder implements pages.Names. A name that has the qualifier itself gets another one, so
// that it is not taken for that of another store's.
func (n *memberNames) Folder(own string) string {
	if n.always || n.folders[fold(own)] || strings.Contains(own, qualifier) {
		return own + qualifier + n.store
	}
	return own
}

// Kept implements pages.Names.
func (n *memberNames) Kept(own string) string {
	if n.always || n.kept[keptStem(own)] || strings.Contains(own, qualifier) {
		return strings.TrimSuffix(own, mp4Suffix) + qualifier + n.store + mp4Suffix
	}
	return own
}

func (n *memberNames) equal(other *memberNames) bool {
	return n.store == other.store && n.always == other.always && maps.Equal(n.folders, other.folders) && maps.Equal(n.kept, other.kept)
}

// cutQualifier splits the name of a file into that which its store has, and the store's.
func cutQualifier(name string) (own, store string, ok bool) {
	stem, extension := name, ""
	if dot := strings.LastIndex(name, "."); dot > strings.LastIndex(name, qualifier) {
		stem, extension = name[:dot], name[dot:]
	}
	at := strings.LastIndex(stem, qualifier)
	if at < 0 {
		return name, "", false
	}
	return stem[:at] + extension, stem[at+len(qualifier):], true
}
