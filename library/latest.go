// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/inprogress"
)

// LatestFile is the name of the file of the newest footage that says no length.
const LatestFile = "latest.mp4"

// latestLength is that of the newest footage where the name of its file says none, and
// maxLatestLength the most that a name may say.
const (
	latestLength    = 5 * time.Minute
	maxLatestLength = 24 * time.Hour
)

// LatestName is what the name of a file of the newest footage says.
//
//	latest.mp4
//	latest-30s.mp4
//	latest-1h.mp4
type LatestName struct{ length time.Duration }

var latestPattern = regexp.MustCompile(`^latest(?:-([1-9]\d{0,5})([smh]))?` + regexp.QuoteMeta(extension) + `$`)

// ParseLatestName takes microseconds: a name that is none must not cost more.
func ParseLatestName(name string) (n LatestName, ok bool) {
	m := latestPattern.FindStringSubmatch(name)
	switch {
	case m == nil:
		return n, false
	case m[1] == "":
		return LatestName{latestLength}, true
	}
	count, _ := strconv.Atoi(m[1]) // six digits at most
	unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[m[2]]
	return LatestName{time.Duration(count) * unit}, true
}

// TooLong tells whether the length is more than a day, as of a ClipName.
func (n LatestName) TooLong() bool { return n.length > maxLatestLength }

// Latest describes the newest footage of a stream as it is now: a clip of the length that
// the name says, up to the end of the last complete group of pictures, which may be of a
// recording in progress. Where the codec configuration has changed within that time, it
// begins with the change. ok is false if there is no footage.
func (c *Catalog) Latest(ctx context.Context, s *Stream, n LatestName) (v Version, ok bool, err error) {
	look := func() ([]*inprogress.Recording, error) { return c.now(ctx, s) }
	err = c.settled(ctx, look, func(ahead []*inprogress.Recording) error {
		end90k, recorded, err := c.newestEnd90k(ctx, s, ahead)
		if ok = recorded; err != nil || !ok {
			return err
		}
		interval := moonfirefs.Interval{Start90k: end90k.Add(-moonfirefs.FromDuration(n.length)), End90k: end90k}
		v, err = c.lastPart(ctx, s, interval, ahead)
		return err
	})
	return v, ok && err == nil, err
}

// newestEnd90k is when the newest footage ends; ok is false if there is none.
func (c *Catalog) newestEnd90k(ctx context.Context, s *Stream, ahead []*inprogress.Recording) (end90k moonfirefs.Time90k, ok bool, err error) {
	if len(ahead) > 0 {
		return ahead[len(ahead)-1].End90k(), true, nil
	}
	now, err := c.Snapshot(ctx)
	if err != nil {
		return 0, false, err
	}
	state, err := now.Stream(s.ID)
	if err != nil {
		return 0, false, err
	}
	return state.End90k, state.Recorded, nil
}

// lastPart describes the last part of an interval in which there is footage.
func (c *Catalog) lastPart(ctx context.Context, s *Stream, interval moonfirefs.Interval, ahead []*inprogress.Recording) (Version, error) {
	recordings, p, err := c.footage(ctx, s, interval, ahead)
	if errors.Is(err, moonfirefs.ErrCorrupt) {
		v := Version{Interval: interval, Part: 1, Growing: true, clip: true}
		v.damage(s, nil)
		return v, nil
	}
	if err != nil {
		return Version{}, err
	}
	found := parts(recordings)
	if len(found) == 0 {
		return Version{}, fmt.Errorf("newest footage of %s: %w", s.Folder, moonfirefs.ErrNotFound)
	}
	v := Version{Interval: interval, Part: int32(len(found)), Growing: true, clip: true, progress: p.progress()}
	return v, c.describe(ctx, s, &v, found[len(found)-1], p)
}
