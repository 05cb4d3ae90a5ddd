// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"encoding/binary"
	"os"
	"sync"
	"syscall"
)

// walWatch tells when any process writes to the WAL, where every commit goes (inotify(7)).
// There may be none, since a user can have only so many: then it tells nothing.
type walWatch struct {
	path string
	// written receives once after arm if something is written then.
	written chan struct{}

	file    *os.File // nil if there is none
	fd      int      // that of file
	reading sync.WaitGroup
}

// openWALWatch is of a file that may be missing.
func openWALWatch(path string) *walWatch {
	w := &walWatch{path: path, written: make(chan struct{}, 1)}
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err == nil {
		w.file, w.fd = os.NewFile(uintptr(fd), "inotify"), fd
		w.reading.Go(w.read)
	}
	return w
}

// arm has it tell of one write from now on. It returns false if it cannot.
func (w *walWatch) arm() bool {
	if w.file == nil {
		return false
	}
	// Of one only: a commit writes page by page, and each would wake somebody.
	_, err := syscall.InotifyAddWatch(w.fd, w.path, syscall.IN_MODIFY|syscall.IN_ONESHOT)
	return err == nil
}

// read runs until the watch is closed.
func (w *walWatch) read() {
	var event [syscall.SizeofInotifyEvent]byte // without a name, since it is a file's
	for {
		if _, err := w.file.Read(event[:]); err != nil {
			return
		}
		if mask := binary.NativeEndian.Uint32(event[4:]); mask&syscall.IN_MODIFY == 0 {
			continue // it says that it was the only one
		}
		select {
		case w.written <- struct{}{}:
		default: // nobody has taken the last one
		}
	}
}

func (w *walWatch) close() {
	if w.file != nil {
		_ = w.file.Close() // nothing was written
		w.reading.Wait()
	}
}
