// SPDX-License-Identifier: GPL-3.0-or-later

package durable

import (
	"os"
	"path/filepath"
	"sync"
)

// unfinished are the files under temporary names that this process is writing.
var unfinished struct {
	mu    sync.Mutex
	paths map[string]struct{} // guarded by mu
}

// begin notes a file under its temporary name, until the returned function is called.
func begin(root *os.Root, name string) (end func()) {
	path := filepath.Join(root.Name(), name)
	unfinished.mu.Lock()
	defer unfinished.mu.Unlock()
	if unfinished.paths == nil {
		unfinished.paths = make(map[string]struct{})
	}
	unfinished.paths[path] = struct{}{}
	return func() {
		unfinished.mu.Lock()
		defer unfinished.mu.Unlock()
		delete(unfinished.paths, path)
	}
}

// RemoveUnfinished removes what this process is still writing under temporary names, for
// one that ends at once, without waiting for those who write. What cannot be removed stays.
func RemoveUnfinished() {
	unfinished.mu.Lock()
	defer unfinished.mu.Unlock()
	for path := range unfinished.paths {
		_ = os.Remove(path) // the process ends: there is nobody to tell
	}
}
