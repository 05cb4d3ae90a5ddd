package fs

import (
	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// entry is one line of a folder's listing.
type entry struct {
	name  string
	inode uint64
	mode  uint32
}

// listing turns entries into a stream for the kernel. Each entry has its
// position in the list as its offset, so that reading can go on where it was
// even if the folder has changed meanwhile.
func listing(self, parent uint64, entries []entry) gofs.DirStream {
	list := []fuse.DirEntry{
		{Name: ".", Ino: self, Mode: fuse.S_IFDIR},
		{Name: "..", Ino: parent, Mode: fuse.S_IFDIR},
	}
	for _, e := range entries {
		list = append(list, fuse.DirEntry{Name: e.name, Ino: e.inode, Mode: e.mode})
	}
	return gofs.NewListDirStream(list)
}
