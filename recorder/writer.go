package recorder

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/journal"
)

// errAbandoned is returned when a sample file does not become a recording.
var errAbandoned = errors.New("recording abandoned")

// sampleFile is what the writer and the syncer need of an *os.File; tests make
// it fail.
type sampleFile interface {
	io.WriteCloser
	Truncate(sizeBytes int64) error
	Sync() error
	// Datasync makes what was written so far durable.
	Datasync() error
}

// writer fills one sample file and its video index (§ Create step 2). It is not
// safe for concurrent use. It must be finished, which closes the file or hands
// it on.
type writer struct {
	*draft
	entry *moonfirefs.VideoSampleEntry

	sha1  hash.Hash
	bytes int64
	// index lacks the last frame, whose duration only the next one tells.
	index moonfirefs.VideoIndexEncoder
	// last is the last frame, without its duration; Bytes is 0 before the first.
	last moonfirefs.Sample
	// lastSum is that of its bytes.
	lastSum uint32
	// sound is the audio beside the frames; framesBeforeSound counts the frames that
	// lie before its last chunk.
	sound             sound
	framesBeforeSound int32
	// corrupt says that the file holds part of a frame.
	corrupt bool
}

func newWriter(d *draft, entry *moonfirefs.VideoSampleEntry) *writer {
	return &writer{draft: d, entry: entry, sha1: sha1.New()}
}

// append writes a frame, which is shown offset90k after it is decoded.
// lastDuration90k is the duration of the frame before it,
// positive, and without meaning for the first frame. After an error, which
// leaves the frames before it intact, the writer must be finished.
func (w *writer) append(f *camera.Frame, offset90k, lastDuration90k moonfirefs.Duration90k) error {
	if len(f.Data) == 0 || len(f.Data) > math.MaxInt32 {
		return fmt.Errorf("append to sample file %s: frame of %d bytes: %w", w.name, len(f.Data), moonfirefs.ErrInvalid)
	}
	w.addLast(lastDuration90k)
	if w.sound.due(f.Sync) {
		if err := w.writeSound(); err != nil {
			return err
		}
	}
	if f.Sync {
		w.journal.flush() // a group of pictures is complete; a crash must not cost it and the next
	}
	if err := w.write(f.Data); err != nil {
		return fmt.Errorf("append to sample file %s: %w", w.name, err)
	}
	w.last = moonfirefs.Sample{Bytes: int32(len(f.Data)), Sync: f.Sync, CompositionOffset90k: int32(offset90k)}
	w.lastSum = journal.Sum(f.Data)
	return nil
}

// write appends all of data to the file, or nothing.
func (w *writer) write(data []byte) error {
	n, err := w.Write(data)
	if err != nil {
		if n > 0 {
			w.corrupt = w.Truncate(w.bytes) != nil
		}
		return err
	}
	w.bytes += int64(len(data))
	w.sha1.Write(data)
	return nil
}

// addLast adds the last frame to the index, now that its duration is known.
func (w *writer) addLast(duration90k moonfirefs.Duration90k) {
	if w.last.Bytes == 0 {
		return
	}
	w.last.Duration90k = int32(duration90k)
	w.index.Add(w.last)
	w.journal.add(w.last, w.lastSum)
	w.last = moonfirefs.Sample{}
}

// frames counts those that were written whole.
func (w *writer) frames() int {
	n := int(w.index.Samples())
	if w.last.Bytes > 0 {
		n++
	}
	return n
}

// finish ends the recording. lastDuration90k is the duration of the last frame,
// or 0 if no next frame tells it. It returns what the writer knows of the
// recording, whose file, still open, is the caller's to make durable; or an
// error that wraps errAbandoned, with the file closed, if there are no frames or
// the file is corrupt.
func (w *writer) finish(lastDuration90k moonfirefs.Duration90k) (*moonfirefs.Recording, error) {
	if w.corrupt {
		return nil, errors.Join(fmt.Errorf("finish sample file %s: partly written frame: %w", w.name, errAbandoned), w.Close())
	}
	w.addLast(lastDuration90k)
	if w.index.Samples() == 0 {
		return nil, errors.Join(fmt.Errorf("finish sample file %s: no frames: %w", w.name, errAbandoned), w.Close())
	}
	w.journal.flush()
	w.sound.settleNominally()
	if err := w.writeSound(); err != nil && w.corrupt {
		return nil, errors.Join(err, errAbandoned, w.Close())
	}
	r := &moonfirefs.Recording{
		Summary: moonfirefs.Summary{
			Duration90k:      w.index.Duration90k(),
			SampleFileBytes:  w.index.Bytes(),
			VideoSamples:     w.index.Samples(),
			VideoSyncSamples: w.index.SyncSamples(),
		},
		SampleFile: w.name,
		VideoIndex: w.index.Blob(),
	}
	if lastDuration90k == 0 {
		r.Flags |= moonfirefs.FlagTrailingZero
	}
	if w.index.Reordered() {
		r.Flags |= moonfirefs.FlagReordered
	}
	w.describeSound(r)
	w.sha1.Sum(r.SampleFileSHA1[:0])
	return r, nil
}
