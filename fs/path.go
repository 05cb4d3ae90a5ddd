package fs

import (
	"path/filepath"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// HourPath returns the path, within the mount, of the first part of the hour to
// which a recording that starts at start90k belongs. The folder is the stream's.
func HourPath(folder string, start90k moonfirefs.Time90k, zone *time.Location) string {
	c := calendar{zone}
	h := c.hourAt(start90k)
	twice := repeated(c.hours(h.date))
	return filepath.Join(folder, h.date.String(), fileName(h, twice[h.clock], 1))
}
