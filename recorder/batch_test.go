// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"crypto/sha1"
	"slices"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/journal"
)

// writes are the events that are writes, in order.
func (b *bench) writes() []string {
	return slices.DeleteFunc(slices.Clone(b.events), func(e string) bool { return !strings.HasSuffix(e, "write") })
}

// TestBatchIsWrittenAtOnce ensures that frames which wait are written with one call, and
// what they are after them with another, also where audio lies between them.
func TestBatchIsWrittenAtOnce(t *testing.T) {
	b := newBench(t, plenty)
	s := &speaker{entry: alaw}
	pts90k := b.fake.pts90k
	b.fake.alter = func(_ int, f *camera.Frame) { s.attach(pts90k, f) }
	frames := b.gather(25)
	if got, want := b.writes(), []string{"journal write"}; !slices.Equal(got, want) { // the header
		t.Errorf("before: %q", got)
	}
	if !b.streamer.run.isDue() {
		t.Error("two seconds of footage are not enough")
	}
	b.streamer.flush()
	if got, want := b.writes(), []string{"journal write", "write", "journal write"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	name := b.streamer.run.current.file.name
	data, err := b.dir.ReadJournal(name, journal.MaxBytes)
	b.must(err)
	j, err := journal.Decode(data)
	b.must(err)
	if len(j.Samples) != 25 || j.Samples[24].Duration90k != 0 || len(j.Chunks) != 2 || j.Chunks[1].After != 20 {
		t.Errorf("the journal has %d samples and chunks %+v", len(j.Samples), j.Chunks)
	}
	b.streamer.flush()
	if n := len(b.writes()); n != 3 {
		t.Errorf("%d writes, although nothing is new", n)
	}
	b.flush()
	if video, _, _ := split(t, &b.recordings()[0]); string(video) != string(join(frames)) {
		t.Error("the video differs")
	}
}

// TestBatchIsBounded ensures that what waits does not exceed the bounds of a batch but
// for a frame that is larger, that all of it gets to the file, and that nothing is kept for
// later.
func TestBatchIsBounded(t *testing.T) {
	for name, sizes := range map[string][]int{
		"frames that fit":     {50 << 10, 50 << 10, 50 << 10, 50 << 10, 1},
		"exactly":             {maxBatchBytes, maxBatchBytes, maxBatchBytes - 1, 1, 1},
		"large among small":   {10, 10, 3 << 20, 10, 10, 2 << 20, 3 << 20, 10},
		"a large one is last": {10, 3 << 20},
		"tiny":                slices.Repeat([]int{1}, 3*maxBatchPieces),
	} {
		t.Run(name, func(t *testing.T) {
			r, f := newMemoryRecording(1 << 30)
			r.space.spentBytes = -1 << 30 // there is no file system to look at
			var want []byte
			for i, size := range sizes {
				data := slices.Repeat([]byte{byte(i)}, size)
				want = append(want, data...)
				must(t, r.append(&item{frame: camera.Frame{Data: data, Sync: i == 0}}, 3000))
				if len(r.batch.data) > max(maxBatchBytes, size) || len(r.batch.pieces) > maxBatchPieces {
					t.Fatalf("after frame %d, %d bytes of %d pieces wait", i, len(r.batch.data), len(r.batch.pieces))
				}
			}
			must(t, r.flush())
			if r.batch.buffer != nil || r.batch.data != nil {
				t.Error("it keeps a buffer while nothing waits")
			}
			row, err := finishRow(r, 3000)
			must(t, err)
			if f.String() != string(want) || row.SampleFileSHA1 != sha1.Sum(want) || int(row.VideoSamples) != len(sizes) {
				t.Errorf("%d bytes of %d in the file, row %+v", f.Len(), len(want), row)
			}
		})
	}
}

// TestBatchWaitsForNoFrame ensures that a frame is written although none follows.
func TestBatchWaitsForNoFrame(t *testing.T) {
	b := newBench(t, plenty)
	b.streamer.queue = newQueue(1<<20, camera.NewMemory(camera.MaxCameraBytes))
	b.streamer.cameraClock.looked = true // it keeps none back
	b.streamer.wg.Go(b.streamer.write)
	f := b.fake.frame()
	b.shot++
	b.streamer.queue.push(f, arrivedNow(b.clock))
	wait.Until(t, "the frame to be written", func() bool { return b.times("write") == 1 && b.times("journal write") == 2 })
	b.streamer.queue.close()
	b.streamer.wg.Wait()
	b.flush()
	hasBytes(t, b.recordings(), f.Data)
}

var otherEntry = moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0cavc1othe"), 640, 360, 1, 1, "avc1.4d401f")

// TestFailedBatch ensures that of a batch that can be written in part, the whole frames
// stay, the others are counted, and recording goes on with a key frame.
func TestFailedBatch(t *testing.T) {
	for name, ends := range map[string]func(*bench){
		"in the midst":       func(b *bench) { b.streamer.flush() },
		"at the end":         func(b *bench) { b.streamer.endRun() },
		"before another one": func(b *bench) { b.fake.entry = otherEntry; b.fake.next += 9 - (b.fake.next+9)%10; b.gather(1) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, plenty)
			kept := b.shoot(5)
			part := b.gather(10)
			b.fail["write"] = 1 // after half of the bytes
			room := len(join(part)) / 2
			for len(part) > 0 && len(part[0].Data) <= room {
				room -= len(part[0].Data)
				kept, part = append(kept, part[0]), part[1:]
			}
			ends(b)
			if dropped := b.streamer.status.read().Dropped; b.streamer.run != nil || int(dropped) < len(part) || b.streamer.status.read().DiskError == "" {
				t.Errorf("%d frames are lost, status says %+v", len(part), b.streamer.status.read())
			}
			b.clock.pass(maxBackoff)
			b.fake.next += 9 - (b.fake.next+9)%10
			kept = append(kept, b.shoot(10)...)
			b.flush()
			all := b.recordings()
			hasBytes(t, all, join(kept))
			if len(all) != 2 || all[1].RunOffset != 0 || all[0].Duration90k != moonfirefs.Duration90k(all[0].VideoSamples)*9000 {
				t.Errorf("recordings %v", all)
			}
			b.noneReserved()
		})
	}
}
