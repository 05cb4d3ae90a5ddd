// SPDX-License-Identifier: GPL-3.0-or-later

package store

import (
	"context"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/sample"
)

// maxSpare is how many sample directories can be added to a store that is open.
const maxSpare = 16

// AddSpareDirs makes room in Dirs for sample directories that are added to the store while
// it is open: nobody may change the map once others read it. The store is open for Recording,
// and nobody reads it yet.
func (s *Store) AddSpareDirs() {
	var last moonfirefs.SampleDirID
	for id := range s.Dirs {
		last = max(last, id)
	}
	for id := last + 1; id <= last+maxSpare; id++ {
		s.Dirs[id] = sample.NewSpare(sample.Recording)
	}
}

// AssignDirs says to spare directories where they are, if others have added them since, and
// returns the paths of those. They are attached like any other.
func (s *Store) AssignDirs(ctx context.Context) (paths []string, err error) {
	dirs, err := s.DB.SampleDirs(ctx)
	if err != nil {
		return nil, err
	}
	for i := range dirs {
		if dir := s.Dirs[dirs[i].ID]; dir != nil && dir.Spare() {
			s.assign(&dirs[i])
			paths = append(paths, dir.Path())
		}
	}
	return paths, nil
}
