// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// extension ends the names of all files of footage.
const extension = ".mp4"

// hourName names the part of an hour, counted from 1: "13.mp4", then "13-2.mp4". An hour
// that the clock shows twice on its date has its UTC offset in the name: "01-0400.mp4"
// and "01-0500.mp4". The two cannot be confused, since an offset has a sign and at least
// four digits.
func hourName(h civil.Hour, twice bool, part int) string {
	name := fmt.Sprintf("%02d", h.Clock)
	if twice {
		name += civil.FormatOffset(int(h.OffsetSeconds))
	}
	if part > 1 {
		name += fmt.Sprintf("-%d", part)
	}
	return name + extension
}

// HourPath returns the path, within a mount, of the first part of the hour to which a
// recording that starts at start90k belongs. The folder is the stream's.
func HourPath(folder string, start90k moonfirefs.Time90k, zone *time.Location) string {
	c := civil.Calendar{Zone: zone}
	h := c.HourAt(start90k)
	twice := civil.Repeated(c.Hours(h.Date))
	return filepath.Join(folder, h.Date.String(), hourName(h, twice[h.Clock], 1))
}
