// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"errors"
	"testing"

	"github.com/mattn/go-sqlite3"

	"github.com/moonfirefs/moonfirefs"
)

// TestSentinelOnce ensures that an error says once what is wrong, however many have passed it on.
func TestSentinelOnce(t *testing.T) {
	for code, want := range map[sqlite3.ErrNo]error{
		sqlite3.ErrCorrupt: moonfirefs.ErrCorrupt, sqlite3.ErrIoErr: ErrDiskFailing, sqlite3.ErrFull: moonfirefs.ErrNoSpace,
		sqlite3.ErrBusy: moonfirefs.ErrBusy, sqlite3.ErrNotADB: moonfirefs.ErrForeign,
	} {
		once := asOurs(sqlite3.Error{Code: code})
		if again := asOurs(once); !errors.Is(once, want) || again.Error() != once.Error() {
			t.Errorf("%v: %v, then %v", want, once, again)
		}
	}
}
