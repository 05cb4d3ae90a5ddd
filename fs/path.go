package fs

import (
	"path/filepath"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// HourPath returns the path, within the mount, of the first part of the hour to
// which a recording that starts at start90k belongs. The folder is the stream's.
func HourPath(folder string, start90k moonfirefs.Time90k, zone *time.Location) string {
	c := civil.Calendar{Zone: zone}
	h := c.HourAt(start90k)
	twice := civil.Repeated(c.Hours(h.Date))
	return filepath.Join(folder, h.Date.String(), fileName(h, twice[h.Clock], 1))
}
