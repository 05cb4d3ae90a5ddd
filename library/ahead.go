// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"sync"
	"sync/atomic"
)

const (
	// aheadAfter is how much must be read in order before anything is asked for: who looks
	// for something, or reads the header, wants nothing more.
	aheadAfter = 1 << 20
	// aheadBytes is how far the disk reads ahead of a reader. A disk that seeks in 8 ms and
	// delivers 150 MB/s then spends a tenth of its time with seeking at most.
	aheadBytes = 16 << 20
	// aheadSlack is how far the kernel's requests overtake each other.
	aheadSlack = 1 << 20
)

// ahead has disks read what a reader will ask for next, also where that lies in the next
// recording's file: the kernel reads ahead within one file only, and begins anew with each,
// with a little at a time.
type ahead struct {
	// running is set while the disk is being asked, which may take as long as the disk takes.
	running atomic.Bool

	mu sync.Mutex // guards what follows
	// next is where a reader goes on who reads in order, and inOrder how much it has.
	next, inOrder int64
	// until is up to where the disk has been asked.
	until int64
}

// after notes that n bytes at off are read, and returns what the disk is to be asked for now,
// if anything.
func (a *ahead) after(off int64, n int) (from, to int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	end := off + int64(n)
	if off < a.next-aheadSlack || off > a.next+aheadSlack {
		a.next, a.inOrder, a.until = end, int64(n), end
		return 0, 0
	}
	a.next, a.inOrder = max(a.next, end), a.inOrder+int64(n)
	if a.inOrder < aheadAfter || a.until > a.next+aheadBytes/2 {
		return 0, 0
	}
	from, to = max(a.until, a.next), a.next+aheadBytes
	a.until = to
	return from, to
}

// willNeed is implemented by sample files that can be read ahead.
type willNeed interface {
	// WillNeed says that n bytes at an offset will be read soon. It does not wait for them.
	WillNeed(offset, n int64)
}

// readAhead has the disk go on with what follows n bytes at off, where a reader needs it.
func (f *File) readAhead(off int64, n int) {
	from, to := f.ahead.after(off, n)
	if from < to && f.ahead.running.CompareAndSwap(false, true) {
		go func() {
			defer f.ahead.running.Store(false)
			f.source.willNeed(from, min(to, f.Size()))
		}()
	}
}

// willNeed asks for the samples between two offsets of the file. What cannot be opened,
// the reader will be told of when it gets there.
func (s *source) willNeed(from, to int64) {
	for from < to {
		recording, offset, n, ok := s.layout.Samples(from)
		if n = min(n, to-from); n <= 0 {
			return
		}
		if ok {
			s.willNeedOf(recording, offset, n)
		}
		from += n
	}
}

func (s *source) willNeedOf(recording int, offset, n int64) {
	file, err := s.open(recording)
	if err != nil {
		return
	}
	defer file.Release()
	if file, ok := file.(willNeed); ok {
		file.WillNeed(offset, n)
	}
}
