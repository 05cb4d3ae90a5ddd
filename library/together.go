// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"fmt"
	"strings"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// ParseTogether reads the name of the folder of an interval, which is that of a clip without
// its extension; ok is false for every other spelling.
func ParseTogether(name string) (n ClipName, ok bool) {
	n, ok = ParseClipName(name + extension)
	return n, ok && n.Part == 1
}

// TogetherFile is a file in such a folder: the clip of the interval, inode number included, of
// what is committed, since the folder is listed and may be copied.
type TogetherFile struct {
	Stream *Stream
	Version
}

// Together lists the clips of an interval, of the streams whose folders are the beginning of a
// file name; all of them if it is empty. Footage that begins after the interval says in its
// name since when it is, so that whoever plays several knows by how much one is behind:
//
//	driveway.mp4
//	garden from 13.06.10.mp4
//	garden-2 from 13.07.02.mp4
func (c *Catalog) Together(ctx context.Context, interval moonfirefs.Interval, file string) (found []TogetherFile, err error) {
	now, err := c.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range now.Streams {
		if file != "" && !strings.HasPrefix(file, s.Folder) {
			continue
		}
		versions, starts90k, err := c.clips(ctx, s, interval)
		if err != nil {
			return nil, err
		}
		for i := range versions {
			v := &versions[i]
			v.Name = c.togetherName(s.Folder, v.Part, interval, starts90k[i])
			found = append(found, TogetherFile{s.Stream, *v})
		}
	}
	return found, nil
}

// togetherName names a part of an interval by when it starts.
func (c *Catalog) togetherName(folder string, part int32, interval moonfirefs.Interval, start90k moonfirefs.Time90k) string {
	name := folder
	if part > 1 {
		name += fmt.Sprintf("-%d", part)
	}
	if start90k.Sub(interval.Start90k) >= moonfirefs.UnitsPerSecond {
		layout := " from 15.04.05"
		if c.dateOf(start90k) != c.dateOf(interval.Start90k) {
			layout = " from 2006-01-02T15.04.05"
		}
		name += c.calendar.Format(start90k, layout)
	}
	return name + extension
}

func (c *Catalog) dateOf(t moonfirefs.Time90k) civil.Date {
	return civil.DateOf(t.Time().In(c.calendar.Zone))
}
