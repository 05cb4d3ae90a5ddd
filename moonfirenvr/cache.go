// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
)

// databaseIn makes the path of their database directory absolute. The error wraps
// moonfirefs.ErrNotFound if there is no database in it.
func databaseIn(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(path, databaseName)); errors.Is(err, fs.ErrNotExist) {
		return "", moonfirefs.Errorf(moonfirefs.ErrNotFound, "it has no file %q: name the directory that has it, as a rule /var/lib/moonfire-nvr/db", databaseName)
	}
	return path, nil
}

// cacheFolder is where, in a cache directory, what is made of a database is.
func cacheFolder(cache, database string) string {
	digest := sha256.Sum256([]byte(database))
	return filepath.Join(cache, fmt.Sprintf("moonfire-nvr-%x", digest[:6]))
}

// lockCache locks a file until it is closed; it is nil if somebody else has locked it.
func lockCache(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the cache: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, f.Close()
	}
	return nil, errors.Join(fmt.Errorf("lock the cache: %w", err), f.Close())
}

// openSource opens the copy, and makes it anew if it is damaged: a power cut may have done
// that.
func (c *copier) openSource(ctx context.Context) (*source, error) {
	source, err := openSource(ctx, c.ours)
	if err == nil || errors.Is(err, moonfirefs.ErrNewer) || errors.Is(err, moonfirefs.ErrInvalid) || errors.Is(err, moonfirefs.ErrForeign) {
		return source, err
	}
	if err := c.forget(); err != nil {
		return nil, err
	}
	if _, _, err := c.refresh(ctx); err != nil {
		return nil, err
	}
	return openSource(ctx, c.ours)
}
