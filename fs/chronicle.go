package fs

import (
	"cmp"
	"context"
	"sync"
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// chronicle tells what is shown of a stream, date by date. It makes accounts from
// the one before, if that is still remembered: after a commit it reads no more than
// the dates that have changed.
type chronicle struct {
	catalog *catalog

	// mu is held while an account is made: who needs the same one at the same time
	// had better wait for it.
	mu sync.Mutex
}

// accountKey is under which the last account of a stream is remembered.
type accountKey moonfirefs.StreamID

// dateRecord is what is shown of a stream in the folder of a date. It is
// immutable.
type dateRecord struct {
	date  civil.Date
	files []fileRecord
	// runs are made of the recordings that start on the date.
	runs []run
	// bytes and duration90k are the sums over those recordings.
	bytes       int64
	duration90k moonfirefs.Duration90k
}

// fileRecord is what the pages tell of a file.
type fileRecord struct {
	name      string
	sizeBytes int64
	run
}

// run is what recordings with the same sample entry have in common. Where they
// do not touch, duration90k is less than the length of the span.
type run struct {
	moonfirefs.Interval
	duration90k  moonfirefs.Duration90k
	bytes        int64
	videoSamples int64
	entry        moonfirefs.VideoSampleEntryID
	// audio is 0 if there is none.
	audio moonfirefs.AudioSampleEntryID
}

func runOf(r *moonfirefs.Summary) run {
	return run{
		Interval: moonfirefs.Interval{Start90k: r.Start90k, End90k: r.End90k()}, duration90k: r.Duration90k, bytes: r.SampleFileBytes,
		videoSamples: int64(r.VideoSamples), entry: r.VideoSampleEntry, audio: r.Audio.SampleEntry,
	}
}

func (r *run) add(next run) {
	r.End90k = max(r.End90k, next.End90k)
	r.duration90k += next.duration90k
	r.bytes += next.bytes
	r.videoSamples += next.videoSamples
	r.audio = cmp.Or(r.audio, next.audio)
}

// appendRun appends a run, or lengthens the last one if that ends exactly where
// the other begins and has the same sample entries.
func appendRun(runs []run, next run) []run {
	if last := len(runs) - 1; last >= 0 && runs[last].End90k == next.Start90k && runs[last].entry == next.entry && runs[last].audio == next.audio {
		runs[last].add(next)
		return runs
	}
	return append(runs, next)
}

// account returns what is shown of the stream. It is the same one for as long as
// nothing has changed: the state names the recording that was committed last, and
// has the totals, from which deletions show.
func (c *chronicle) account(ctx context.Context, now *snapshot, state *streamState) (*account, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, ok := recall[*account](c.catalog.memory, accountKey(state.id))
	if ok && last.complete && *last.state == *state {
		return last, nil
	}
	records, complete, err := c.bringUpToDate(ctx, now, state, last)
	if err != nil {
		return nil, err
	}
	next, err := newAccount(ctx, c.catalog, state, records)
	if err != nil {
		return nil, err
	}
	next.complete = complete
	c.catalog.memory.put(accountKey(state.id), next)
	return next, nil
}

// bringUpToDate describes all dates that are shown; last is nil if no account is
// remembered. complete is false if there was a commit meanwhile, so that there is more
// to tell than now says.
func (c *chronicle) bringUpToDate(ctx context.Context, now *snapshot, state *streamState, last *account) (records []*dateRecord, complete bool, err error) {
	records, kept, err := c.load(ctx, state, last)
	if err != nil {
		return nil, false, err
	}
	complete, err = c.addsUp(ctx, state, records)
	if err != nil || complete || !kept {
		return records, complete, err
	}
	version, err := c.catalog.db.Version(ctx)
	if err != nil || version != now.version {
		return records, false, err
	}
	// Recordings have been added to a date that is not the newest: this machine's
	// clock was ahead, and has been put right.
	if records, _, err = c.load(ctx, state, nil); err != nil {
		return nil, false, err
	}
	complete, err = c.addsUp(ctx, state, records)
	return records, complete, err
}

// load describes all dates that are shown, in order. It takes those from the last
// account, if there is one, that cannot have changed unless something unusual has
// happened; kept tells whether there are any.
func (c *chronicle) load(ctx context.Context, state *streamState, last *account) (records []*dateRecord, kept bool, err error) {
	dates, err := c.catalog.dates(ctx, state)
	if err != nil {
		return nil, false, err
	}
	for _, d := range dates {
		record := last.record(d)
		if record == nil || c.mayHaveChanged(d, last.state, state) {
			if record, err = c.loadDate(ctx, state, d); err != nil {
				return nil, false, err
			}
		} else {
			kept = true
		}
		records = append(records, record)
	}
	return records, kept, nil
}

// mayHaveChanged tells whether a date can have got recordings since the last
// account, or can have lost some to rotation.
func (c *chronicle) mayHaveChanged(d civil.Date, last, state *streamState) bool {
	if !last.recorded || !d.Before(last.newest.Date) {
		return true
	}
	if last.eaten == state.eaten {
		return false
	}
	pieces := civil.Pieces(c.catalog.calendar.Hours(d))
	return last.eaten.touchesAny(pieces) || state.eaten.touchesAny(pieces)
}

func (c *chronicle) loadDate(ctx context.Context, state *streamState, d civil.Date) (*dateRecord, error) {
	record := &dateRecord{date: d}
	_, err := c.catalog.loadDay(ctx, state, d, record.add)
	if err != nil {
		return nil, err
	}
	// Very many of them are in memory, and slices grow by half.
	record.files, record.runs = exactly(record.files), exactly(record.runs)
	return record, nil
}

// exactly returns a copy without room for more.
func exactly[T any](s []T) []T { return append(make([]T, 0, len(s)), s...) }

// memoryBytes is what a record takes in memory, with its place in the account.
func (record *dateRecord) memoryBytes() int64 {
	return int64(unsafe.Sizeof(*record)) + 8 + int64(cap(record.files))*int64(unsafe.Sizeof(fileRecord{})) +
		int64(cap(record.runs))*int64(unsafe.Sizeof(run{}))
}

// add adds a file and the recordings that it is made of.
func (record *dateRecord) add(f *file, recordings []moonfirefs.Summary) {
	whole := runOf(&recordings[0])
	for i := range recordings {
		r := runOf(&recordings[i])
		record.runs = appendRun(record.runs, r)
		record.bytes += r.bytes
		record.duration90k += r.duration90k
		if i > 0 {
			whole.add(r)
		}
	}
	record.files = append(record.files, fileRecord{name: f.name, sizeBytes: f.sizeBytes, run: whole})
}

// addsUp compares records with the totals that the database keeps of the stream.
func (c *chronicle) addsUp(ctx context.Context, state *streamState, records []*dateRecord) (bool, error) {
	var bytes int64
	var duration90k moonfirefs.Duration90k
	for _, d := range records {
		bytes += d.bytes
		duration90k += d.duration90k
	}
	for _, h := range state.hiddenHours(c.catalog.calendar) {
		err := c.catalog.db.EachSummary(ctx, state.id, h.Start90k, h.End90k, func(r *moonfirefs.Summary) error {
			bytes += r.SampleFileBytes
			duration90k += r.Duration90k
			return nil
		})
		if err != nil {
			return false, err
		}
	}
	return bytes == state.sampleFileBytes && duration90k == state.duration90k, nil
}
