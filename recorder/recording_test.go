// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

var errInjected = errors.New("injected")

// memoryFile is a sample file that can be told to fail.
type memoryFile struct {
	bytes.Buffer
	// room is how many bytes can still be written.
	room                             int
	failTruncate, failSync, isClosed bool
	synced                           int
	preallocatedBytes                int64
}

func (f *memoryFile) Write(p []byte) (int, error) {
	n := min(f.room, len(p))
	f.room -= n
	f.Buffer.Write(p[:n])
	if n < len(p) {
		return n, errInjected
	}
	return n, nil
}

func (f *memoryFile) Truncate(sizeBytes int64) error {
	if f.failTruncate {
		return errInjected
	}
	f.Buffer.Truncate(int(sizeBytes))
	return nil
}

func (f *memoryFile) Sync() error {
	f.synced++
	if f.failSync {
		return errInjected
	}
	return nil
}

func (f *memoryFile) Close() error {
	f.isClosed = true
	return nil
}

func (f *memoryFile) Datasync() error { return f.Sync() }

func (f *memoryFile) AwaitWriting() error { return f.Sync() }

func (f *memoryFile) Barrier() error { return f.Sync() }

func (f *memoryFile) Preallocate(sizeBytes int64) { f.preallocatedBytes = sizeBytes }

func (f *memoryFile) Seal() {}

func (f *memoryFile) Unseal() {}

func (f *memoryFile) StartWriting() {}

func newMemoryRecording(room int) (*recording, *memoryFile) {
	f := &memoryFile{room: room}
	return newTestRecording(&pendingFile{name: uuid.New(), file: f}, new(space)), f
}

func newTestRecording(file *pendingFile, space *space) *recording {
	return &recording{
		stream: new(moonfirefs.Stream), entry: testEntry, space: space, status: new(status), log: slog.New(slog.DiscardHandler),
		timeline: newTimeline(0, 0, after(0)), file: file, digest: moonfirefs.NewSampleFileDigest(),
	}
}

// finishRow ends a recording and returns its row.
func finishRow(r *recording, lastDuration90k moonfirefs.Duration90k) (*moonfirefs.Recording, error) {
	if err := r.end(lastDuration90k); err != nil && !r.corrupt {
		return nil, err
	}
	f, err := r.finish()
	if err != nil {
		return nil, err
	}
	return f.row, nil
}

var testEntry = moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0cavc1test"), 640, 360, 1, 1, "avc1.4d401e")

func decodeIndex(t *testing.T, blob []byte, flags moonfirefs.RecordingFlags) (samples []moonfirefs.Sample) {
	t.Helper()
	d := moonfirefs.DecodeVideoIndex(blob, flags)
	for d.Next() {
		samples = append(samples, d.Sample)
	}
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	return samples
}

// What a recording says is what the file holds, and each frame has the duration
// that the next one told.
func TestRecordingTellsOfItsFile(t *testing.T) {
	for name, last := range map[string]moonfirefs.Duration90k{"closed by a next frame": 3003, "trailing zero": 0} {
		t.Run(name, func(t *testing.T) {
			r, f := newMemoryRecording(1000)
			frames := []camera.Frame{
				{Data: []byte("key frame"), Sync: true},
				{Data: []byte("second")},
				{Data: []byte("a third")},
			}
			for i, lastDuration := range []moonfirefs.Duration90k{0, 3001, 3002} {
				if err := r.append(&item{frame: frames[i]}, lastDuration); err != nil {
					t.Fatal(err)
				}
			}
			row, err := finishRow(r, last)
			if err != nil {
				t.Fatal(err)
			}
			const data = "key framesecond" + "a third"
			if f.String() != data || row.SampleFileSHA1 != sha1.Sum([]byte(data)) || row.SampleFileSHA256 != sha256.Sum256([]byte(data)) || row.SampleFileBytes != int64(len(data)) {
				t.Errorf("file %q, row %+v", f, row)
			}
			want := []moonfirefs.Sample{{Duration90k: 3001, Bytes: 9, Sync: true}, {Duration90k: 3002, Bytes: 6}, {Duration90k: int32(last), Bytes: 7}}
			got := decodeIndex(t, row.VideoIndex, row.Flags)
			for i := range want {
				if len(got) != len(want) || got[i] != want[i] {
					t.Fatalf("index %+v, want %+v", got, want)
				}
			}
			if row.Duration90k != 6003+last || row.VideoSamples != 3 || row.VideoSyncSamples != 1 {
				t.Errorf("recording %+v", row.Summary)
			}
			if (row.Flags&moonfirefs.FlagTrailingZero != 0) != (last == 0) {
				t.Errorf("flags %d", row.Flags)
			}
			if f.isClosed {
				t.Error("the file was closed before it could be made durable")
			}
		})
	}
}

// A write that fails half-way leaves the whole frames before it.
func TestRecordingIsCutToWholeFrames(t *testing.T) {
	const frames = 5
	for room := 10; room < 10*frames; room++ {
		for each := 1; each <= frames; each++ {
			r, f := newMemoryRecording(room)
			var failed error
			for i := 0; i < frames && failed == nil; i++ {
				must(t, r.append(&item{frame: camera.Frame{Data: make([]byte, 10), Sync: i == 0}}, 3000))
				if (i+1)%each == 0 || i == frames-1 {
					failed = r.flush()
				}
			}
			if !errors.Is(failed, errInjected) {
				t.Fatalf("got %v", failed)
			}
			row, err := finishRow(r, 3000)
			if err != nil {
				t.Fatal(err)
			}
			whole := room / 10
			if f.Len() != 10*whole || row.SampleFileBytes != 10*int64(whole) || row.SampleFileSHA1 != sha1.Sum(make([]byte, 10*whole)) ||
				int(row.VideoSamples) != whole || row.Duration90k != moonfirefs.Duration90k(3000*whole) || row.Problem() != "" || row.IndexProblem() != "" {
				t.Errorf("room for %d, %d frames at once: %d bytes in the file, row %+v", room, each, f.Len(), row)
			}
		}
	}
}

func TestRecordingIsAbandoned(t *testing.T) {
	tests := map[string]func(t *testing.T, r *recording, f *memoryFile){
		"no frames": func(*testing.T, *recording, *memoryFile) {},
		"first frame failed": func(t *testing.T, r *recording, f *memoryFile) {
			f.room = 3
			must(t, r.append(&item{frame: camera.Frame{Data: make([]byte, 10)}}, 0))
			if err := r.flush(); err == nil {
				t.Fatal("no error")
			}
		},
		"truncation failed": func(t *testing.T, r *recording, f *memoryFile) {
			must(t, r.append(&item{frame: camera.Frame{Data: make([]byte, 10), Sync: true}}, 0))
			must(t, r.flush())
			f.room, f.failTruncate = 3, true
			must(t, r.append(&item{frame: camera.Frame{Data: make([]byte, 10)}}, 3000))
			if err := r.flush(); err == nil {
				t.Fatal("no error")
			}
		},
		"empty frame": func(t *testing.T, r *recording, _ *memoryFile) {
			if err := r.append(&item{frame: camera.Frame{Sync: true}}, 0); !errors.Is(err, moonfirefs.ErrInvalid) {
				t.Fatalf("got %v", err)
			}
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			r, f := newMemoryRecording(1000)
			prepare(t, r, f)
			if row, err := finishRow(r, 3000); !errors.Is(err, errAbandoned) {
				t.Errorf("got %+v, %v", row, err)
			}
			if !f.isClosed {
				t.Error("the file is still open")
			}
		})
	}
}

// However many frames and samples of audio come in a minute, a recording is cut before
// its row would be refused by those who read it.
func TestRecordingIsFull(t *testing.T) {
	r, _ := newMemoryRecording(1 << 30)
	for n := 0; !r.full(); n++ {
		if n > moonfirefs.MaxRecordingSamples {
			t.Fatal("it is never full")
		}
		if err := r.append(&item{frame: camera.Frame{Data: []byte{1}, Sync: n == 0}}, 1); err != nil {
			t.Fatal(err)
		}
	}
	row, err := finishRow(r, 0)
	if err != nil {
		t.Fatal(err)
	}
	if problem := row.Problem(); problem != "" {
		t.Error(problem)
	}
	if problem := row.IndexProblem(); problem != "" {
		t.Error(problem)
	}
	if len(row.VideoIndex) > moonfirefs.MaxIndexBytes {
		t.Errorf("its index has %d bytes", len(row.VideoIndex))
	}
}
