// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"reflect"
	"strconv"
	"testing"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Ensures that a folder whose names are forgotten takes no memory for names, and that names
// can come and go as before.
func TestRoomForNamesIsGivenBack(t *testing.T) {
	for _, files := range []int{1, 5, 26, 100} {
		root := new(gofs.Inode)
		gofs.NewNodeFS(root, nil)
		day := root.NewInode(t.Context(), new(gofs.Inode), gofs.StableAttr{Mode: fuse.S_IFDIR})
		root.AddChild("2026-11-20", day, false)
		room := func() int { return reflect.ValueOf(day).Elem().FieldByName("children").FieldByName("children").Cap() }
		var r namesRoom
		for range 2 { // the second time, there is another number of places before the first name
			var names []string
			for n := range files {
				names = append(names, strconv.Itoa(n))
				day.AddChild(names[n], root.NewInode(t.Context(), new(gofs.Inode), gofs.StableAttr{Mode: fuse.S_IFREG}), false)
			}
			r.note(day, len(day.Children()))
			if r.giveBack(t.Context()); len(day.Children()) != files {
				t.Errorf("of %d names there are %d", files, len(day.Children()))
			}
			for _, name := range names {
				day.RmChild(name)
			}
			if room() < files {
				t.Errorf("there is room for %d names, not %d: nothing has to be given back", room(), files)
			}
			if r.giveBack(t.Context()); room() > 1 || len(r.emptied) > 0 {
				t.Errorf("without its %d names there is room for %d; %d folders are left", files, room(), len(r.emptied))
			}
		}
	}
}
