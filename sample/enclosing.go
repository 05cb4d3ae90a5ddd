// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moonfirefs/moonfirefs"
)

// Enclosing finds the sample directory, of any store, that a path is, or is in, also if the
// path does not exist yet; ok is false if there is none. Nothing but sample files belongs
// there.
func Enclosing(path string) (dir string, ok bool, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return "", false, err
	}
	missing := path
	for {
		// Links lead to where the directories above are others.
		resolved, err := filepath.EvalSymlinks(missing)
		if err == nil {
			path = resolved
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || missing == filepath.Dir(missing) {
			return "", false, err
		}
		missing = filepath.Dir(missing)
	}
	for ; ; path = filepath.Dir(path) {
		if isSampleDir(path) {
			return path, true, nil
		}
		if path == filepath.Dir(path) {
			return "", false, nil
		}
	}
}

func isSampleDir(path string) bool {
	root, err := os.OpenRoot(path)
	if err != nil {
		return false // not a directory, or one that is not ours to look into
	}
	defer root.Close()
	_, err = readMeta(root)
	return err == nil || errors.Is(err, moonfirefs.ErrNewer)
}
