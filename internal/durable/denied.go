// SPDX-License-Identifier: GPL-3.0-or-later

package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// denial says what may not be done.
type denial int

const (
	toUse denial = iota
	toEnter
	toMakeDir
	toMakeFile
)

// DeniedError is an error about permissions that says whose fault it is. It wraps nothing,
// but is fs.ErrPermission.
type DeniedError struct {
	// Path is what may not be used, or what Wanted may not be reached or made in; Owner is
	// whom it belongs to, User who may not.
	Path, Wanted string
	Owner, User  string

	denial denial
}

func (e *DeniedError) Error() string {
	belongs := fmt.Sprintf("%s belongs to %s, ", e.Path, e.Owner)
	switch {
	case e.denial == toMakeDir:
		return belongs + fmt.Sprintf("and %s may make nothing in it (type, as root: install -d -o %s %s)", e.User, e.User, e.Wanted)
	case e.denial == toMakeFile:
		return belongs + fmt.Sprintf("and %s may make nothing in it: choose another folder", e.User)
	case e.denial == toEnter && e.Owner != e.User:
		return belongs + fmt.Sprintf("and %s may not enter it (type, as root: chmod a+x %s)", e.User, e.Path)
	case e.Owner == e.User:
		return belongs + fmt.Sprintf("but its mode does not let its owner use it (type: chmod u+rwX %s)", e.Path)
	}
	return belongs + fmt.Sprintf("not to %s (type, as root: chown -R %s: %s)", e.User, e.User, e.Path)
}

// Is makes the error one of permissions.
func (e *DeniedError) Is(target error) bool { return target == fs.ErrPermission }

// Explain makes an error about permissions a DeniedError: err is what came of using path, or
// something in it. Other errors stay as they are.
func Explain(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) || errors.As(err, new(*DeniedError)) {
		return err
	}
	if failed := new(fs.PathError); errors.As(err, &failed) && !filepath.IsAbs(failed.Path) {
		inside := filepath.Join(path, failed.Path)
		if _, statErr := os.Lstat(inside); statErr == nil {
			path = inside
		}
	}
	there, owner, statErr := nearest(path)
	switch {
	case statErr != nil:
		return err
	case there == path:
		return &DeniedError{Path: path, Wanted: path, Owner: owner.User(), User: Self()}
	}
	return &DeniedError{Path: there, Wanted: path, Owner: owner.User(), User: Self(), denial: toEnter}
}

// nearest returns the first of path and the directories above it of which can be seen whose
// it is.
func nearest(path string) (there string, owner Owner, err error) {
	for {
		owner, err = OwnerOf(path)
		parent := filepath.Dir(path)
		if err == nil || parent == path {
			return path, owner, err
		}
		path = parent
	}
}

// explainNew makes an error about permissions a DeniedError that says where path cannot be
// made.
func explainNew(path string, denial denial, err error) error {
	absolute, absErr := filepath.Abs(path)
	if !errors.Is(err, fs.ErrPermission) || errors.As(err, new(*DeniedError)) || absErr != nil {
		return err
	}
	there, owner, statErr := nearest(filepath.Dir(absolute))
	if statErr != nil || owner.User() == Self() {
		return err
	}
	return &DeniedError{Path: there, Wanted: absolute, Owner: owner.User(), User: Self(), denial: denial}
}

// User is the name of the user, or a number where there is no such user.
func (o Owner) User() string { return userName(o.UID) }

// Self is the name of the user who runs this process.
func Self() string { return userName(os.Geteuid()) }

func userName(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
