// SPDX-License-Identifier: GPL-3.0-or-later

package mountpoint

import "testing"

// Ensures that lines of the mount table are understood, blanks in paths and optional
// fields included.
func TestParseEntry(t *testing.T) {
	for line, want := range map[string]Entry{
		`36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`:                {"98:0", "/mnt2", "ext3"},
		`36 35 0:52 / /mnt/my\040nvr ro - fuse.moonfirefs moonfirefs ro,user_id=0`:      {"0:52", "/mnt/my nvr", "fuse.moonfirefs"},
		`36 35 0:52 / /a\134b\x ro shared:1 master:2 - fuse.moonfirefs moonfirefs ro`:   {"0:52", `/a\b\x`, "fuse.moonfirefs"},
		`36 35 0:52 / /only\0405 ro shared:1 master:2 unbindable - tmpfs tmpfs rw,size`: {"0:52", "/only 5", "tmpfs"},
		`36 35 0:52 / /mnt ro`: {},
		``:                     {},
	} {
		if got, ok := parseEntry(line); got != want || ok != (want != Entry{}) {
			t.Errorf("%q: %+v, %v", line, got, ok)
		}
	}
}
