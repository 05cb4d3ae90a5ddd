package fs

import (
	"sync"
	"time"
)

// keptListing is which listing of a folder the kernel may have kept. A folder that is
// opened without leave to keep its listing loses what was kept (Linux fuse_dir_open).
// So it begins with the second time that a listing is found unchanged, and ends with
// the first time that it is not, or when the names in it are believed no longer: then
// READDIRPLUS tells of all of them at once.
type keptListing struct {
	mu    sync.Mutex // guards what follows
	print uint64     // 0 if there is none
	since time.Time
}

// is tells whether the kernel may use or keep a listing from now on.
func (k *keptListing) is(list *day) bool {
	now, print := time.Now(), list.print()
	k.mu.Lock()
	defer k.mu.Unlock()
	if print != 0 && print == k.print && now.Sub(k.since) < closedEntry {
		return true
	}
	k.print, k.since = print, now
	return false
}

// print identifies the names of a listing and what they stand for. It is 0 if one of
// them may stand for something else at any moment.
func (d *day) print() uint64 {
	i := make(identity, 0, 1024)
	for n := range d.files {
		f := &d.files[n]
		if f.growing {
			return 0
		}
		i = i.text(f.name).number(int64(f.inode))
	}
	return i.inode()
}
