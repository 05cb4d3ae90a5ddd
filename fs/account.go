package fs

import (
	"cmp"
	"context"
	"slices"
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
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
	days map[date]*dayRecord
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
	bounds span
	// recorded is by start.
	recorded    []span
	duration90k moonfirefs.Duration90k
}

func newAccount(ctx context.Context, c *catalog, state *streamState, records []*dateRecord) (*account, error) {
	a := &account{
		state: state, records: records, days: make(map[date]*dayRecord),
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
	slices.SortStableFunc(runs, func(r, s run) int { return cmp.Compare(r.start, s.start) })
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
		a.sizeBytes += mapSlotBytes + int64(unsafe.Sizeof(*day)) + int64(cap(day.recorded))*int64(unsafe.Sizeof(span{}))
	}
}

func (a *account) memoryBytes() int64 { return a.sizeBytes }

// record returns what is told of a date; nil if there is nothing.
func (a *account) record(d date) *dateRecord {
	if a == nil {
		return nil
	}
	// The records are by date.
	i, found := slices.BinarySearchFunc(a.records, d, func(r *dateRecord, d date) int { return r.date.compare(d) })
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
func (a *account) split(c calendar, runs []run) {
	var piece span // the last stretch of time with one date, and which
	var day *dayRecord
	for _, r := range runs {
		for from := r.start; ; from = piece.end {
			if day == nil || from < piece.start || from >= piece.end {
				piece, day = a.dayAt(c, from)
			}
			to := min(r.end, piece.end)
			day.recorded = append(day.recorded, span{from, to})
			day.duration90k += to.Sub(from)
			if r.end <= piece.end {
				break
			}
		}
	}
}

// dayAt returns the record of the day that t belongs to, and for how long around
// t that is so: usually for all of the day.
func (a *account) dayAt(c calendar, t moonfirefs.Time90k) (span, *dayRecord) {
	d := c.hourAt(t).date
	hours := c.hours(d)
	if a.days[d] == nil {
		a.days[d] = &dayRecord{bounds: span{hours[0].start, hours[len(hours)-1].end}}
	}
	for _, piece := range spans(hours) {
		if piece.start <= t && t < piece.end {
			return piece, a.days[d]
		}
	}
	panic("an instant outside of its own date")
}

// bounds are when the shown footage starts and ends; ok is false if
// there is none.
func (a *account) bounds() (s span, ok bool) {
	for _, r := range a.runs {
		if !ok {
			s = r.span
		}
		s.start, s.end, ok = min(s.start, r.start), max(s.end, r.end), true
	}
	return s, ok
}
