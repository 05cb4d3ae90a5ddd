package fs

import (
	"cmp"
	"context"
	"slices"
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// account is what the index pages tell of a stream. It is immutable.
type account struct {
	state *streamState
	// complete is false if it is not known to have all that there was.
	complete bool
	// sizeBytes is what it takes in memory.
	sizeBytes int64
	// records are by date, in the order of time.
	records []*dateRecord
	// runs are those of all records, joined across midnight.
	runs []run
	// days tell of each date on which something was recorded, also if the
	// recording started on the date before.
	days map[civil.Date]*dayRecord
	// entries are the sample entries of the runs.
	entries map[moonfirefs.VideoSampleEntryID]*moonfirefs.VideoSampleEntry
	// audioEntries are those of their audio.
	audioEntries map[moonfirefs.AudioSampleEntryID]*moonfirefs.AudioSampleEntry
	// bytes and duration90k are the sums over all recordings that are shown.
	bytes       int64
	duration90k moonfirefs.Duration90k
	// saved are the files of what is kept, and keptBytes the sum over the
	// recordings that rotation spares for it.
	saved     []savedFile
	keptBytes int64
}

// dayRecord is what was recorded within a civil day: unlike in the folder of the
// date, recordings are cut at midnight.
type dayRecord struct {
	// bounds are those of the civil day.
	bounds moonfirefs.Interval
	// recorded is by start.
	recorded    []moonfirefs.Interval
	duration90k moonfirefs.Duration90k
}

func newAccount(ctx context.Context, c *catalog, state *streamState, records []*dateRecord) (*account, error) {
	a := &account{
		state: state, records: records, days: make(map[civil.Date]*dayRecord),
		entries:      make(map[moonfirefs.VideoSampleEntryID]*moonfirefs.VideoSampleEntry),
		audioEntries: make(map[moonfirefs.AudioSampleEntryID]*moonfirefs.AudioSampleEntry),
	}
	if err := a.addSaved(ctx, c); err != nil {
		return nil, err
	}
	var runs []run
	for _, record := range records {
		runs = append(runs, record.runs...)
		a.bytes += record.bytes
		a.duration90k += record.duration90k
	}
	// They are in order, unless a date is in two pieces.
	slices.SortStableFunc(runs, func(r, s run) int { return cmp.Compare(r.Start90k, s.Start90k) })
	a.split(c.calendar, runs)
	for _, r := range runs {
		a.runs = appendRun(a.runs, r)
	}
	for _, r := range a.runs {
		if r.audio != 0 && a.audioEntries[r.audio] == nil {
			entry, err := c.audioSampleEntry(ctx, r.audio)
			if err != nil {
				return nil, err
			}
			a.audioEntries[r.audio] = entry
		}
		if a.entries[r.entry] != nil {
			continue
		}
		entry, err := c.sampleEntry(ctx, r.entry)
		if err != nil {
			return nil, err
		}
		a.entries[r.entry] = entry
	}
	a.measure()
	return a, nil
}

// accountOverheadBytes is what an account takes besides what it has many of.
const accountOverheadBytes = 1000

func (a *account) measure() {
	const mapSlotBytes = 48
	a.sizeBytes = accountOverheadBytes + int64(cap(a.runs))*int64(unsafe.Sizeof(run{})) +
		int64(cap(a.saved))*int64(unsafe.Sizeof(savedFile{}))
	for _, record := range a.records {
		a.sizeBytes += record.memoryBytes()
	}
	for _, day := range a.days {
		a.sizeBytes += mapSlotBytes + int64(unsafe.Sizeof(*day)) + int64(cap(day.recorded))*int64(unsafe.Sizeof(moonfirefs.Interval{}))
	}
}

func (a *account) memoryBytes() int64 { return a.sizeBytes }

// record returns what is told of a date; nil if there is nothing.
func (a *account) record(d civil.Date) *dateRecord {
	if a == nil {
		return nil
	}
	// The records are by date.
	i, found := slices.BinarySearchFunc(a.records, d, func(r *dateRecord, d civil.Date) int { return r.date.Compare(d) })
	if !found {
		return nil
	}
	return a.records[i]
}

func (a *account) addSaved(ctx context.Context, c *catalog) (err error) {
	if len(a.state.saved.intervals) == 0 {
		return nil
	}
	if a.saved, err = c.savedFiles(ctx, a.state); err != nil {
		return err
	}
	a.keptBytes, err = c.db.KeptBytes(ctx, a.state.id)
	return err
}

// split divides runs between the civil days. They must not be joined across
// midnight yet: each date of which there is a record gets a day, however short
// its footage.
func (a *account) split(c civil.Calendar, runs []run) {
	var piece moonfirefs.Interval // the last stretch of time with one date, and which
	var day *dayRecord
	for _, r := range runs {
		for from := r.Start90k; ; from = piece.End90k {
			if day == nil || from < piece.Start90k || from >= piece.End90k {
				piece, day = a.dayAt(c, from)
			}
			to := min(r.End90k, piece.End90k)
			day.recorded = append(day.recorded, moonfirefs.Interval{Start90k: from, End90k: to})
			day.duration90k += to.Sub(from)
			if r.End90k <= piece.End90k {
				break
			}
		}
	}
}

// dayAt returns the record of the day that t belongs to, and for how long around
// t that is so: usually for all of the day.
func (a *account) dayAt(c civil.Calendar, t moonfirefs.Time90k) (moonfirefs.Interval, *dayRecord) {
	d := c.HourAt(t).Date
	hours := c.Hours(d)
	if a.days[d] == nil {
		a.days[d] = &dayRecord{bounds: moonfirefs.Interval{Start90k: hours[0].Start90k, End90k: hours[len(hours)-1].End90k}}
	}
	for _, piece := range civil.Pieces(hours) {
		if piece.Start90k <= t && t < piece.End90k {
			return piece, a.days[d]
		}
	}
	panic("an instant outside of its own date")
}

// bounds are when the shown footage starts and ends; ok is false if
// there is none.
func (a *account) bounds() (s moonfirefs.Interval, ok bool) {
	for _, r := range a.runs {
		if !ok {
			s = r.Interval
		}
		s.Start90k, s.End90k, ok = min(s.Start90k, r.Start90k), max(s.End90k, r.End90k), true
	}
	return s, ok
}
