package fs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unique"
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// look is what the user chooses about the bytes of the files.
type look struct {
	gaps       mp4.Gaps
	timestamps bool
}

// catalog answers what there is in the tree. It asks for summaries only, and
// remembers listings for as long as their stream has not changed: the kernel looks
// up each entry of a listing separately.
type catalog struct {
	db       *index.DB
	calendar civil.Calendar
	look     look

	memory   *memory
	counters *Counters

	// mu guards last. It is never held during a query.
	mu   sync.Mutex
	last *snapshot
}

type dayKey struct {
	stream moonfirefs.StreamID
	date   civil.Date
}

// day is the listing of a date's folder. It is immutable, and true for as long as
// the state of the stream is the same: that names the recording which was committed
// last, and has the totals, from which deletions show.
type day struct {
	state *streamState
	files []file
}

// file is one version of a virtual file. It is small, since the kernel can make
// us remember very many, and immutable.
type file struct {
	name  string
	hour  civil.Hour
	inode uint64
	// recordings is the number of recordings in it.
	recordings, part int32
	sizeBytes        int64
	// modified90k is when its last recording ends.
	modified90k moonfirefs.Time90k
	// growing says that the name may stand for another version at any moment.
	growing bool
}

// listingOverheadBytes is what a listing costs besides its files: struct, slice
// header and its place in the map, roughly.
const listingOverheadBytes = 200

func (d *day) memoryBytes() int64 {
	return listingOverheadBytes + int64(cap(d.files))*int64(unsafe.Sizeof(file{}))
}

func (d *day) file(name string) *file {
	for i := range d.files {
		if d.files[i].name == name {
			return &d.files[i]
		}
	}
	return nil
}

func newCatalog(db *index.DB, c civil.Calendar, l look, m *memory) *catalog {
	return &catalog{db: db, calendar: c, look: l, memory: m, counters: new(Counters)}
}

// dates lists the dates of which something is shown, with one seek for each.
func (c *catalog) dates(ctx context.Context, s *streamState) ([]civil.Date, error) {
	found := make(map[civil.Date]bool) // a date can be in two pieces
	for from := moonfirefs.MinTime90k; ; {
		start, ok, err := c.db.FirstStart(ctx, s.id, from)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		d := c.calendar.HourAt(start).Date
		if found[d], err = c.isShown(ctx, s, d); err != nil {
			return nil, err
		}
		from = c.calendar.DateEnd(start)
	}
	dates := make([]civil.Date, 0, len(found))
	for d, shown := range found {
		if shown {
			dates = append(dates, d)
		}
	}
	slices.SortFunc(dates, civil.Date.Compare)
	return dates, nil
}

// isShown tells whether a date with recordings has one that is shown.
func (c *catalog) isShown(ctx context.Context, s *streamState, d civil.Date) (shown bool, err error) {
	if !s.eaten.touchesAny(civil.Pieces(c.calendar.Hours(d))) {
		return true, nil
	}
	_, shown, err = c.dateEnd90k(ctx, s, d)
	return shown, err
}

// dateEnd90k returns when the last recording shown under a date ends; ok is
// false if there is none.
func (c *catalog) dateEnd90k(ctx context.Context, s *streamState, d civil.Date) (end moonfirefs.Time90k, ok bool, err error) {
	list, err := c.day(ctx, s, d)
	if err != nil || len(list.files) == 0 {
		return 0, false, err
	}
	return list.files[len(list.files)-1].modified90k, true, nil
}

// day lists the files of a date, with one query for each piece of it.
func (c *catalog) day(ctx context.Context, s *streamState, d civil.Date) (*day, error) {
	c.counters.Listings.Add(1)
	if known, ok := recall[*day](c.memory, dayKey{s.id, d}); ok && *known.state == *s {
		c.counters.ListingHits.Add(1)
		return known, nil
	}
	return c.loadDay(ctx, s, d, func(*file, []moonfirefs.Summary) {})
}

// maxLoads bounds how often a listing is made anew because there was a commit
// meanwhile: the state that tells which hours are whole and the recordings of the
// hours must be of one moment, or an hour that rotation has just begun to eat
// could be shown as if it were whole.
const maxLoads = 10

// loadDay makes a listing and remembers it. It calls fn for each file and the
// recordings that it is made of, which fn must not keep.
func (c *catalog) loadDay(ctx context.Context, s *streamState, d civil.Date, fn func(*file, []moonfirefs.Summary)) (*day, error) {
	for loads := 1; ; loads++ {
		recordings := recordingsPool.Get().(*[]moonfirefs.Summary)
		defer recordingsPool.Put(recordings)
		loaded := &day{state: s}
		members, err := c.loadFiles(ctx, s, d, loaded, recordings)
		if err != nil {
			return nil, err
		}
		now, err := c.snapshot(ctx)
		if err != nil {
			return nil, err
		}
		next, err := now.state(s.stream)
		if err != nil {
			return nil, err
		}
		if *next == *s || loads == maxLoads {
			for i := range loaded.files {
				fn(&loaded.files[i], members[i])
			}
			c.memory.put(dayKey{s.id, d}, loaded)
			return loaded, nil
		}
		s = next
	}
}

// recordingsPool holds buffers for the recordings of a date: some hundred kilobytes
// each.
var recordingsPool = sync.Pool{New: func() any { return new([]moonfirefs.Summary) }}

// loadFiles fills in the files of a date, and returns the recordings that each of
// them is made of, in the same order. They lie in a buffer.
func (c *catalog) loadFiles(ctx context.Context, s *streamState, d civil.Date, into *day, buf *[]moonfirefs.Summary) (members [][]moonfirefs.Summary, err error) {
	hours := c.calendar.Hours(d)
	twice := civil.Repeated(hours)
	into.files = make([]file, 0, len(hours))
	*buf = (*buf)[:0]
	for _, piece := range civil.Pieces(hours) {
		if err := c.db.EachSummary(ctx, s.id, piece.Start90k, piece.End90k, collect(buf)); err != nil {
			return nil, err
		}
	}
	rest := *buf
	for _, h := range hours {
		n := 0
		for n < len(rest) && rest[n].Start90k < h.End90k {
			n++
		}
		all := rest[:n]
		rest = rest[n:]
		if s.hidden(h) {
			continue
		}
		for i, part := range parts(all) {
			f, err := c.describe(ctx, s, h, i+1, part)
			if err != nil {
				return nil, err
			}
			// Millions of files share a few names.
			f.name = unique.Make(fileName(h, twice[h.Clock], i+1)).Value()
			into.files, members = append(into.files, f), append(members, part)
		}
	}
	return members, nil
}

func collect(recordings *[]moonfirefs.Summary) func(*moonfirefs.Summary) error {
	return func(r *moonfirefs.Summary) error {
		*recordings = append(*recordings, *r)
		return nil
	}
}

// describe fills in all of a file but its name.
func (c *catalog) describe(ctx context.Context, s *streamState, h civil.Hour, part int, members []moonfirefs.Summary) (file, error) {
	spec, err := c.spec(ctx, s.stream, h, members)
	if err != nil {
		return file{}, err
	}
	return file{
		hour: h, part: int32(part), inode: fileInode(s.stream, h, part, spec),
		recordings: int32(len(members)), sizeBytes: mp4.Size(spec),
		modified90k: members[len(members)-1].End90k(), growing: s.growing(h),
	}, nil
}

// spec says what a file made of recordings is. Nothing that a user can edit
// later goes into it except the camera's name, which is in the path as well: the
// bytes of a closed hour are promised to stay.
func (c *catalog) spec(ctx context.Context, s *stream, h civil.Hour, members []moonfirefs.Summary) (*mp4.Spec, error) {
	entry, err := c.sampleEntry(ctx, members[0].VideoSampleEntry)
	if err != nil {
		return nil, err
	}
	audio, err := c.audioOf(ctx, members)
	if err != nil {
		return nil, err
	}
	start := h.Start90k.Time().In(c.calendar.Zone)
	return &mp4.Spec{
		Recordings: members, Entry: entry, Audio: audio, Zone: c.calendar.Zone,
		Title:       s.folder + start.Format(" 2006-01-02 15:04 -07:00"),
		Description: fmt.Sprintf("%s stream, %d×%d, %s", s.kind, entry.Width, entry.Height, entry.RFC6381Codec),
		Gaps:        c.look.gaps, Timestamps: c.look.timestamps,
	}, nil
}

// audioOf returns the configuration of the audio of a part; nil if it has none.
func (c *catalog) audioOf(ctx context.Context, members []moonfirefs.Summary) (*moonfirefs.AudioSampleEntry, error) {
	for i := range members {
		if id := members[i].Audio.SampleEntry; id != 0 {
			return c.audioSampleEntry(ctx, id)
		}
	}
	return nil, nil
}

// audioSampleEntry is like sampleEntry.
func (c *catalog) audioSampleEntry(ctx context.Context, id moonfirefs.AudioSampleEntryID) (*moonfirefs.AudioSampleEntry, error) {
	entry, err := c.db.AudioSampleEntry(ctx, id)
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return nil, fmt.Errorf("audio sample entry %d is missing: %w", id, moonfirefs.ErrCorrupt)
	}
	return entry, err
}

// sampleEntry returns the sample entry of recordings that are there.
func (c *catalog) sampleEntry(ctx context.Context, id moonfirefs.VideoSampleEntryID) (*moonfirefs.VideoSampleEntry, error) {
	entry, err := c.db.VideoSampleEntry(ctx, id)
	if errors.Is(err, moonfirefs.ErrNotFound) {
		// It must not look as if the recordings were not there.
		err = fmt.Errorf("%w: %s", moonfirefs.ErrCorrupt, err.Error())
	}
	return entry, err
}
