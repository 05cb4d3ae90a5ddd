// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// NamedInterval is a part of the time with a name of its own, from which that of a file is
// made. Somebody else has chosen both.
type NamedInterval struct {
	Name string
	moonfirefs.Interval
}

// FileName names a part, counted from 1, as a file.
func (n *NamedInterval) FileName(part int32) string {
	if part > 1 {
		return fmt.Sprintf("%s-%d%s", n.Name, part, extension)
	}
	return n.Name + extension
}

// NamedClips describes the files of an interval, one for each part: the clips of what is
// committed of it, inode numbers included. There are none if it has no footage.
func (c *Catalog) NamedClips(ctx context.Context, s *StreamState, n *NamedInterval) ([]Version, error) {
	all, _, err := c.clips(ctx, s, n.Interval)
	for i := range all {
		// Whoever named the interval may give the name to another one.
		all[i].Name, all[i].Growing = n.FileName(all[i].Part), true
	}
	return all, err
}
