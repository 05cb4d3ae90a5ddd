// SPDX-License-Identifier: GPL-3.0-or-later

package check

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// maxOverlap is how much earlier than the end of a run the next one may begin. Its first
	// frame arrives no more than a second before that end; it is dated by those that follow,
	// of which one may have come with up to a second less delay (design/time.md).
	maxOverlap moonfirefs.Duration90k = 2 * moonfirefs.UnitsPerSecond
	// maxOverlapInRun is more than the rounding of times in a row can be: recordings of one run
	// touch.
	maxOverlapInRun = moonfirefs.UnitsPerSecond / 10
)

// overlaps looks for recordings of one stream that have the same times as others: somebody
// has set the clock back, or an older version has dated frames that had waited while the
// process stood still.
func (c *checker) overlaps(ctx context.Context) error {
	cameras, err := c.store.DB.Cameras(ctx)
	if err != nil {
		return c.damage(err)
	}
	for i := range cameras {
		for j := range cameras[i].Streams {
			s := &cameras[i].Streams[j]
			o := overlapping{find: func(text string) {
				c.find(Finding{Kind: Overlap, Stream: s.ID, Text: s.FolderName(&cameras[i]) + ": " + text, Remedy: remedyOverlap})
			}}
			err := c.store.DB.EachSummary(ctx, s.ID, moonfirefs.MinTime90k, moonfirefs.MaxTime90k, o.add)
			if err := c.damage(err); err != nil {
				return err
			}
			o.end()
		}
	}
	return nil
}

// overlapping is a walk over the recordings of a stream, in the order of their starts.
type overlapping struct {
	// find is told of each stretch of time that is recorded twice.
	find func(text string)
	// latest is the recording so far that ends last.
	latest moonfirefs.Summary
	// before and first are the two of which the present stretch has the first overlap, and
	// recordings is how many begin in it although another has not ended; 0 for no stretch.
	before, first moonfirefs.Summary
	recordings    int64
	// until is when the present stretch ends.
	until moonfirefs.Time90k
	// recent are those in which the one before the next one in its run is to be found: those
	// that have not ended long before that begins, maxRecent at most.
	recent []moonfirefs.Summary
}

// maxRecent is more than begin while another has not ended, but for stores that no recorder
// has made.
const maxRecent = 64

func (o *overlapping) add(r *moonfirefs.Summary) error {
	if o.latest.ID != 0 && o.latest.End90k().Sub(r.Start90k) > o.allowed(r) {
		if o.recordings > 0 && r.Start90k > o.until {
			o.end()
		}
		if o.recordings == 0 {
			o.before, o.first = o.latest, *r
		}
		o.recordings++
		o.until = max(o.until, min(r.End90k(), o.latest.End90k()))
	}
	if o.latest.ID == 0 || r.End90k() > o.latest.End90k() {
		o.latest = *r
	}
	o.remember(r)
	return nil
}

// remember adds a recording to the recent ones.
func (o *overlapping) remember(r *moonfirefs.Summary) {
	o.recent = slices.DeleteFunc(o.recent, func(old moonfirefs.Summary) bool { return r.Start90k.Sub(old.End90k()) > maxOverlap })
	if len(o.recent) == maxRecent {
		o.recent = slices.Delete(o.recent, 0, 1)
	}
	o.recent = append(o.recent, *r)
}

// allowed is how much earlier than the end of the latest recording another may begin.
func (o *overlapping) allowed(r *moonfirefs.Summary) moonfirefs.Duration90k {
	if before := o.predecessor(r); before != nil && before.ID == o.latest.ID {
		return maxOverlapInRun
	}
	return maxOverlap
}

// predecessor is the recording before another in its run; nil if there is none. Runs at the
// same time, such as those before and after a restart, can have the same offsets: of several
// that could be it, it is the one that was committed last.
func (o *overlapping) predecessor(r *moonfirefs.Summary) (before *moonfirefs.Summary) {
	for i := range o.recent {
		old := &o.recent[i]
		if old.ID < r.ID && old.RunOffset == r.RunOffset-1 && (before == nil || old.ID > before.ID) {
			before = old
		}
	}
	return before
}

// end tells of the present stretch, if there is one.
func (o *overlapping) end() {
	if o.recordings == 0 {
		return
	}
	recordings := "1 recording begins"
	if o.recordings > 1 {
		recordings = fmt.Sprintf("%d recordings begin", o.recordings)
	}
	early := o.before.End90k().Sub(o.first.Start90k).Duration().Round(time.Millisecond)
	o.find(fmt.Sprintf("from %v to %v, %s before another has ended: recording %d, %v before the end of recording %d",
		o.first.Start90k, o.until, recordings, o.first.ID, early, o.before.ID))
	o.recordings, o.until = 0, 0
}
