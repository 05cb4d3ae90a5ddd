// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
)

// How long the kernel may trust what it has been told. None may be zero, which
// go-fuse takes for "not set".
const (
	// growingEntry is for names that stand for another version from one moment
	// to the next.
	growingEntry = 100 * time.Millisecond
	// closedEntry is for the names of closed hours. Retention takes them away, and recordings
	// may come late; the watcher tells the kernel, and this is for when it could not.
	closedEntry = time.Hour
	// settledEntry is for the names of what seldom changes, of which the watcher knows nothing.
	settledEntry = time.Minute
	// folderEntry is for the names and attributes of folders.
	folderEntry = time.Second
	// immutable is for attributes that never change under their inode number.
	immutable = 24 * time.Hour
)

// fileEntry is for the name of a file that is no hour: growing says that it may stand for
// another version at any moment.
func fileEntry(growing bool) time.Duration {
	if growing {
		return growingEntry
	}
	return settledEntry
}

// hourEntry is for the name of an hour.
func hourEntry(growing bool) time.Duration {
	if growing {
		return growingEntry
	}
	return closedEntry
}

// blockBytes is the unit of st_blocks; transferBytes is st_blksize. A larger one
// than the page would also change how the kernel caches the file.
const (
	blockBytes    = 512
	transferBytes = 4096
)

// owner says whom all files and folders belong to, and who may read them.
type owner struct {
	uid, gid             uint32
	fileMode, folderMode uint32
}

func (o owner) file(out *fuse.Attr, inode uint64, sizeBytes int64, modified90k moonfirefs.Time90k) {
	o.fill(out, inode, modified90k)
	out.Mode = fuse.S_IFREG | o.fileMode
	out.Nlink = 1
	out.Size = uint64(sizeBytes)
	out.Blocks = (out.Size + blockBytes - 1) / blockBytes
}

// folder has a link count of 2, for the entry in its parent and its own ".". It
// must not be 0, which Samba takes for deleted.
func (o owner) folder(out *fuse.Attr, inode uint64, modified90k moonfirefs.Time90k) {
	o.fill(out, inode, modified90k)
	out.Mode = fuse.S_IFDIR | o.folderMode
	out.Nlink = 2
}

func (o owner) fill(out *fuse.Attr, inode uint64, modified90k moonfirefs.Time90k) {
	out.Ino = inode
	out.Owner = fuse.Owner{Uid: o.uid, Gid: o.gid}
	out.Blksize = transferBytes
	t := modified90k.Time()
	out.SetTimes(&t, &t, &t)
}
