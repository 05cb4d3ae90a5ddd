package recorder

import (
	"bytes"
	"crypto/sha1"
	"errors"
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

func newMemoryWriter(room int) (*writer, *memoryFile) {
	f := &memoryFile{room: room}
	return newWriter(&draft{name: uuid.New(), file: f}, testEntry), f
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
func TestWriter(t *testing.T) {
	for name, last := range map[string]moonfirefs.Duration90k{"closed by a next frame": 3003, "trailing zero": 0} {
		t.Run(name, func(t *testing.T) {
			w, f := newMemoryWriter(1000)
			frames := []camera.Frame{
				{Data: []byte("key frame"), Sync: true},
				{Data: []byte("second")},
				{Data: []byte("a third")},
			}
			for i, lastDuration := range []moonfirefs.Duration90k{0, 3001, 3002} {
				if err := w.append(&frames[i], 0, lastDuration); err != nil {
					t.Fatal(err)
				}
			}
			r, err := w.finish(last)
			if err != nil {
				t.Fatal(err)
			}
			const data = "key framesecond" + "a third"
			if f.String() != data || r.SampleFileSHA1 != sha1.Sum([]byte(data)) || r.SampleFileBytes != int64(len(data)) {
				t.Errorf("file %q, recording %+v", f, r)
			}
			want := []moonfirefs.Sample{{Duration90k: 3001, Bytes: 9, Sync: true}, {Duration90k: 3002, Bytes: 6}, {Duration90k: int32(last), Bytes: 7}}
			got := decodeIndex(t, r.VideoIndex, r.Flags)
			for i := range want {
				if len(got) != len(want) || got[i] != want[i] {
					t.Fatalf("index %+v, want %+v", got, want)
				}
			}
			if r.Duration90k != 6003+last || r.VideoSamples != 3 || r.VideoSyncSamples != 1 {
				t.Errorf("recording %+v", r.Summary)
			}
			if (r.Flags&moonfirefs.FlagTrailingZero != 0) != (last == 0) {
				t.Errorf("flags %d", r.Flags)
			}
			if f.isClosed {
				t.Error("the file was closed before it could be made durable")
			}
		})
	}
}

// A write that fails half-way leaves the whole frames before it.
func TestWriterTruncatesToWholeFrames(t *testing.T) {
	for _, room := range []int{10, 13} {
		w, f := newMemoryWriter(room)
		if err := w.append(&camera.Frame{Data: make([]byte, 10), Sync: true}, 0, 0); err != nil {
			t.Fatal(err)
		}
		if err := w.append(&camera.Frame{Data: make([]byte, 10)}, 0, 3000); !errors.Is(err, errInjected) {
			t.Fatalf("got %v", err)
		}
		r, err := w.finish(3000)
		if err != nil {
			t.Fatal(err)
		}
		if f.Len() != 10 || r.SampleFileBytes != 10 || r.VideoSamples != 1 || r.Duration90k != 3000 || r.SampleFileSHA1 != sha1.Sum(make([]byte, 10)) {
			t.Errorf("room for %d: %d bytes in the file, recording %+v", room, f.Len(), r)
		}
	}
}

func TestWriterAbandons(t *testing.T) {
	tests := map[string]func(t *testing.T, w *writer, f *memoryFile){
		"no frames": func(*testing.T, *writer, *memoryFile) {},
		"first frame failed": func(t *testing.T, w *writer, f *memoryFile) {
			f.room = 3
			if err := w.append(&camera.Frame{Data: make([]byte, 10)}, 0, 0); err == nil {
				t.Fatal("no error")
			}
		},
		"truncation failed": func(t *testing.T, w *writer, f *memoryFile) {
			if err := w.append(&camera.Frame{Data: make([]byte, 10), Sync: true}, 0, 0); err != nil {
				t.Fatal(err)
			}
			f.room, f.failTruncate = 3, true
			if err := w.append(&camera.Frame{Data: make([]byte, 10)}, 0, 3000); err == nil {
				t.Fatal("no error")
			}
		},
		"empty frame": func(t *testing.T, w *writer, _ *memoryFile) {
			if err := w.append(&camera.Frame{Sync: true}, 0, 0); !errors.Is(err, moonfirefs.ErrInvalid) {
				t.Fatalf("got %v", err)
			}
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			w, f := newMemoryWriter(1000)
			prepare(t, w, f)
			if r, err := w.finish(3000); !errors.Is(err, errAbandoned) {
				t.Errorf("got %+v, %v", r, err)
			}
			if !f.isClosed {
				t.Error("the file is still open")
			}
		})
	}
}
