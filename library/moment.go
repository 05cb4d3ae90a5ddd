// SPDX-License-Identifier: GPL-3.0-or-later

package library

import "context"

// maxLoads bounds how often something is loaded anew because there was a commit meanwhile.
const maxLoads = 10

// ofOneMoment calls load with a state of a stream, and again with the next one until no
// commit came in between: the state that tells which hours are whole and the recordings of
// the hours must be of one moment, or an hour that retention has just begun to trim could be
// shown as if it were whole. What the last call has loaded counts.
func (c *Catalog) ofOneMoment(ctx context.Context, s *StreamState, load func(*StreamState) error) error {
	for loads := 1; ; loads++ {
		if err := load(s); err != nil {
			return err
		}
		now, err := c.Snapshot(ctx)
		if err != nil {
			return err
		}
		next, err := now.Stream(s.ID)
		if err != nil {
			return err
		}
		if next.Same(s) || loads == maxLoads {
			return nil
		}
		s = next
	}
}
