// SPDX-License-Identifier: GPL-3.0-or-later

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// RequireEntry fails with a DeniedError if root has made a directory for an owner who may not
// enter one that it is in. For other users than root, and for root's own, it does nothing.
func RequireEntry(path string, owner Owner) error {
	absolute, err := filepath.Abs(path)
	if err != nil || !isRoot() || owner.UID == 0 {
		return err
	}
	denied := make(chan bool)
	go func() {
		// The thread ends with this goroutine, since it is not unlocked: it belongs to
		// another user from here on.
		runtime.LockOSThread()
		denied <- deniedAs(absolute, owner)
	}()
	if !<-denied {
		return nil
	}
	// The innermost that the owner may not enter is as good as any: the next attempt names the
	// one above.
	for above := filepath.Dir(absolute); ; above = filepath.Dir(above) {
		info, err := os.Stat(above)
		if err != nil || above == filepath.Dir(above) {
			return err
		}
		if of := ownerOf(info); info.Mode()&enterable(of, owner) == 0 {
			return &DeniedError{Path: above, Wanted: absolute, Owner: of.User(), User: owner.User(), denial: toEnter}
		}
	}
}

// deniedAs tells whether an owner may not reach a path, of which the thread that it is called
// on is to be used for nothing else.
func deniedAs(path string, owner Owner) bool {
	if unix.Setfsgid(owner.GID) != nil || unix.Setfsuid(owner.UID) != nil {
		return false // who knows
	}
	return errors.Is(unix.Stat(path, new(unix.Stat_t)), unix.EACCES)
}

// enterable are the bits of a mode of which one lets user enter what belongs to of.
func enterable(of, user Owner) fs.FileMode {
	switch {
	case of.UID == user.UID:
		return 0o100
	case of.GID == user.GID:
		return 0o010
	}
	return 0o001
}
