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

// DeniedError is an error about permissions that says whose fault it is. It wraps nothing,
// but is fs.ErrPermission.
type DeniedError struct {
	// Path is what may not be used, or what it is in; Owner is whom that belongs to, User who
	// may not use it.
	Path        string
	Owner, User string
}

func (e *DeniedError) Error() string {
	if e.Owner == e.User {
		return fmt.Sprintf("%s belongs to %s, but its mode does not let its owner use it (type: chmod u+rwX %s)", e.Path, e.Owner, e.Path)
	}
	return fmt.Sprintf("%s belongs to %s, not to %s (type, as root: chown -R %s: %s)", e.Path, e.Owner, e.User, e.User, e.Path)
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
	for {
		owner, statErr := OwnerOf(path)
		if statErr == nil {
			return &DeniedError{path, owner.User(), Self()}
		}
		parent := filepath.Dir(path)
		if parent == path {
			return err
		}
		path = parent
	}
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
