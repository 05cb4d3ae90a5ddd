// SPDX-License-Identifier: GPL-3.0-or-later

package activity

// Stretch is a row of minutes in which something moved.
type Stretch struct {
	// First is the index of the first minute, Minutes is how many there are.
	First, Minutes int
	// Peak is the greatest percent, Sum adds up all of them.
	Peak Percent
	Sum  int
}

// Stretches finds those of a list of minutes, in the order of time. A single minute
// without motion does not end one.
func Stretches(percents []Percent) (found []Stretch) {
	for i, p := range percents {
		if p <= 0 {
			continue
		}
		last := len(found) - 1
		if last < 0 || found[last].First+found[last].Minutes+1 < i {
			found, last = append(found, Stretch{First: i}), last+1
		}
		s := &found[last]
		s.Minutes, s.Peak, s.Sum = i+1-s.First, max(s.Peak, p), s.Sum+int(p)
	}
	return found
}
