// SPDX-License-Identifier: GPL-3.0-or-later

package main

import "testing"

// TestKeepsText ensures that what a quota is good for is told in a unit of which
// there are several, down to quotas that somebody tries things with.
func TestKeepsText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		sizeBytes int64
		mbits     float64
		want      string
	}{
		{1e9, 8, "17 minutes"}, {1e9, 1, "133 minutes"}, {10e9, 4, "6 hours"}, {43.2e9, 4, "24 hours"}, {500e9, 4, "12 days"},
	} {
		if got := keepsText(test.sizeBytes, test.mbits); got != test.want {
			t.Errorf("%d bytes at %v Mbit/s keep %q, want %q", test.sizeBytes, test.mbits, got, test.want)
		}
	}
}
