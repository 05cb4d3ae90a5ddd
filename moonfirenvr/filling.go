// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"cmp"
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// filling takes over new recordings.
type filling struct {
	*Store
	source  *source
	entries map[int64]*moonfirefs.VideoSampleEntry
	// done and total count recordings; total is 0 if nobody needs to know.
	done, total int64
}

// A transaction of the shadow has so many recordings, or so many bytes of video indexes.
const (
	filledRows  = 8000
	filledBytes = 8 << 20
)

// batch is what one transaction takes over.
type batch struct {
	index.ShadowRecordings
	// rows counts those of the source, usable or not; bytes those of the video indexes.
	rows, bytes int
}

func newBatch() *batch {
	return &batch{ShadowRecordings: index.ShadowRecordings{Trimmed: make(map[moonfirefs.StreamID][]moonfirefs.Time90k)}}
}

// stream takes over what is new of a stream. While a batch is committed, the next one is read.
func (f *filling) stream(ctx context.Context, st *stream) error {
	newest, ok, err := f.DB.Newest(ctx, st.id)
	if err != nil {
		return err
	}
	before := firstID(st.id) - 1
	if ok {
		before = newest.ID
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan *batch)
	var readErr error // once batches is closed
	go func() {
		defer close(batches)
		readErr = f.read(ctx, st, before, batches)
	}()
	for b := range batches {
		if err != nil {
			continue
		}
		if err = f.commit(ctx, b); err != nil {
			cancel()
		}
	}
	return cmp.Or(err, readErr)
}

func (f *filling) commit(ctx context.Context, b *batch) error {
	if err := f.DB.FollowShadow(ctx, &b.ShadowRecordings); err != nil {
		return err
	}
	if f.done += int64(b.rows); f.total > 0 {
		f.options.Show(Work{Name: "reading its recordings"}, min(f.done, f.total), f.total)
	}
	return nil
}

// read sends batches of the recordings of a stream after an id; it must be the newest one that
// the shadow has, or before all.
func (f *filling) read(ctx context.Context, st *stream, before moonfirefs.RecordingID, batches chan<- *batch) error {
	first := before < firstID(st.id)
	b := newBatch()
	send := func() error {
		select {
		case batches <- b:
			b = newBatch()
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := f.source.recordings(ctx, st, before, allRows, func(r *recording, problem error) error {
		// Where the predecessor was deleted before anybody looked, what ends here is not
		// whole. The first recording ever has the number 0 or 1.
		if first && r.ID > firstID(st.id)+1 || r.RunOffset > 0 && r.ID > before+1 {
			b.Trimmed[st.id] = append(b.Trimmed[st.id], r.Start90k.Add(-1))
		}
		first, before = false, max(r.ID, before)
		f.add(b, r, problem)
		if b.rows < filledRows && b.bytes < filledBytes {
			return nil
		}
		return send()
	})
	if err == nil && b.rows > 0 {
		err = send()
	}
	return err
}

// add adds a recording to a batch, if it is one.
func (f *filling) add(b *batch, r *recording, problem error) {
	b.rows++
	if f.openings[r.Open] == uuid.Nil && problem == nil {
		problem = fmt.Errorf("its opening %d is missing", r.Open)
	}
	entry, why := r.prepare(problem, f.entries)
	if entry == nil {
		f.leaveOut("recording", int64(r.ID), why)
		return
	}
	b.Insert, b.Entries = append(b.Insert, &r.Recording), append(b.Entries, entry)
	b.bytes += len(r.VideoIndex)
}
