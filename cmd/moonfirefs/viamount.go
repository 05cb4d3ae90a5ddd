// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/moonfirefs/moonfirefs/internal/mountpoint"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/pages"
)

// reportInMount finds the status in the mount, for those who may see the footage but not the
// store: the one mount that they can read. ok is false if there is none, or several.
func reportInMount() (r *status.Report, ok bool) {
	paths, err := mountpoint.Ours()
	if err != nil {
		return nil, false // as if there were none: why the store cannot be read is told
	}
	for _, path := range paths {
		data, err := os.ReadFile(filepath.Join(path, pages.StatusName))
		if err != nil {
			continue // not for this user, or without a recorder
		}
		if r != nil {
			return nil, false
		}
		r = new(status.Report)
		if json.Unmarshal(data, r) != nil || r.Mountpoint != path {
			r = nil
		}
	}
	return r, r != nil
}
