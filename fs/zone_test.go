// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"testing"
	"time"
	_ "time/tzdata" // the tests must not depend on the machine's zones

	"github.com/moonfirefs/moonfirefs/internal/civil"
)

func calendarOf(t testing.TB, zone string) civil.Calendar {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return civil.Calendar{Zone: location}
}
