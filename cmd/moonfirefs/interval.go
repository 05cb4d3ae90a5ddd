package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// interval is a stretch of a stream's time.
type interval struct {
	stream *moonfirefs.Stream
	// folder is the name of the stream's folder.
	folder     string
	start, end moonfirefs.Time90k
}

// streams are the streams of a store by their folders.
type streams []interval

func (o *opened) streams() (streams, error) {
	cameras, err := o.DB.Cameras(o.cmd.Context())
	if err != nil {
		return nil, err
	}
	var all streams
	for i := range cameras {
		for j := range cameras[i].Streams {
			stream := &cameras[i].Streams[j]
			all = append(all, interval{stream: stream, folder: stream.FolderName(&cameras[i])})
		}
	}
	return all, nil
}

func (s streams) byID(id moonfirefs.StreamID) *interval {
	for i := range s {
		if s[i].stream.ID == id {
			return &s[i]
		}
	}
	return nil
}

// find returns the stream of a folder, also if it is written in another case.
func (s streams) find(folder string) (*interval, error) {
	var names []string
	for i := range s {
		if strings.EqualFold(s[i].folder, folder) {
			return &s[i], nil
		}
		names = append(names, s[i].folder)
	}
	return nil, fmt.Errorf("there is no camera %s (there is: %s): %w", folder, strings.Join(names, ", "), moonfirefs.ErrNotFound)
}

// maxInterval is how long a clip may be, on the clock.
const maxInterval = 24 * time.Hour

// interval reads the arguments CAMERA FROM TO.
func (o *opened) interval(args []string) (*interval, error) {
	i, err := o.anyInterval(args)
	if err == nil && o.onClock(i.end).Sub(o.onClock(i.start)) > maxInterval {
		err = &usageError{fmt.Errorf("from %s is longer than 24 hours: take several intervals", o.times(i.start, i.end))}
	}
	return i, err
}

// anyInterval is interval, however long.
func (o *opened) anyInterval(args []string) (*interval, error) {
	all, err := o.streams()
	if err != nil {
		return nil, err
	}
	found, err := all.find(args[0])
	if err != nil {
		return nil, err
	}
	i := *found
	parsed, err := civil.Calendar{Zone: o.Zone}.ParseInterval(args[1], args[2], time.Now())
	if err != nil {
		return nil, &usageError{err}
	}
	i.start, i.end = parsed.Start90k, parsed.End90k
	return &i, nil
}

// onClock is what the clock shows at t, as if that were UTC: days have 24 hours.
func (o *opened) onClock(t moonfirefs.Time90k) time.Time {
	local := t.Time().In(o.Zone)
	_, offset := local.Zone()
	return t.Time().Add(time.Duration(offset) * time.Second)
}

// time and times show civil times for people.
func (o *opened) time(t moonfirefs.Time90k) string {
	return t.Time().In(o.Zone).Format("2006-01-02 15:04:05 -07:00")
}

func (o *opened) times(start, end moonfirefs.Time90k) string {
	from, to := start.Time().In(o.Zone), end.Time().In(o.Zone)
	_, fromOffset := from.Zone()
	_, toOffset := to.Zone()
	switch {
	case fromOffset != toOffset:
		return o.time(start) + " to " + o.time(end)
	case from.Format(time.DateOnly) != to.Format(time.DateOnly):
		return from.Format(time.DateTime) + " to " + to.Format(time.DateTime)
	}
	return from.Format(time.DateTime) + " to " + to.Format(time.TimeOnly)
}

// overlap is what is recorded of an interval: all recordings that overlap it.
type overlap struct {
	count, sizeBytes int64
	duration90k      moonfirefs.Duration90k
	// start and end are those of the recordings, last the id of the newest one.
	start, end moonfirefs.Time90k
	last       moonfirefs.RecordingID
}

func (o *opened) overlapping(i *interval) (*overlap, error) {
	found := newOverlap()
	from := i.start.Add(-moonfirefs.MaxRecordingDuration90k) // what starts earlier has ended
	err := o.DB.EachSummary(o.cmd.Context(), i.stream.ID, from, i.end, func(r *moonfirefs.Summary) error {
		if r.Start90k < i.start && r.End90k() <= i.start {
			return nil
		}
		found.add(r)
		return nil
	})
	return &found, err
}

func newOverlap() overlap { return overlap{start: moonfirefs.MaxTime90k, end: moonfirefs.MinTime90k} }

func (v *overlap) add(r *moonfirefs.Summary) {
	v.count++
	v.sizeBytes += r.SampleFileBytes
	v.duration90k += r.Duration90k
	v.start, v.end = min(v.start, r.Start90k), max(v.end, r.End90k())
	v.last = max(v.last, r.ID)
}

func (v *overlap) text() string {
	if v.count == 1 {
		return fmt.Sprintf("1 recording, %s", humanize.Bytes(uint64(v.sizeBytes)))
	}
	return fmt.Sprintf("%d recordings, %s", v.count, humanize.Bytes(uint64(v.sizeBytes)))
}

// ago matches an argument that is a time and looks like a flag: -10m.
var ago = regexp.MustCompile(`^-(?:\d+(?:\.\d+)?[dhms])+$`)

// timesNotFlags keeps times from being taken for flags; no flag begins with a
// digit.
func timesNotFlags(args []string) []string {
	rewritten := make([]string, len(args))
	for i, arg := range args {
		if rewritten[i] = arg; ago.MatchString(arg) {
			rewritten[i] = "now" + arg
		}
	}
	return rewritten
}
