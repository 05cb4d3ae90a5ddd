// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"fmt"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// What players show of a file follows from what it is made of, and is the same whoever
// makes it.

// HourTitle is the title of the file of an hour in a stream's folder.
func HourTitle(folder string, c civil.Calendar, hour moonfirefs.Interval) string {
	return folder + c.Format(hour.Start90k, " 2006-01-02 15:04 -07:00")
}

// ClipTitle is the title of a clip.
func ClipTitle(folder string, c civil.Calendar, clip moonfirefs.Interval) string {
	const layout = "2006-01-02 15:04:05 -07:00"
	return fmt.Sprintf("%s %s to %s", folder, c.Format(clip.Start90k, layout), c.Format(clip.End90k, layout))
}

// TimelapseTitle is the title of a time lapse.
func TimelapseTitle(folder string, c civil.Calendar, clip moonfirefs.Interval, pace int32) string {
	return fmt.Sprintf("%s, %dx", ClipTitle(folder, c, clip), pace)
}

// FileDescription is the description of a file of footage.
func FileDescription(kind moonfirefs.StreamKind, entry *moonfirefs.VideoSampleEntry) string {
	return fmt.Sprintf("%s stream, %d×%d, %s", kind, entry.Width, entry.Height, entry.RFC6381Codec)
}
