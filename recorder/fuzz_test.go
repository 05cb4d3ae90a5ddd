// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"encoding/binary"
	"log/slog"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

// FuzzTimestamps: whatever time stamps come in whatever order, each frame comes out
// once, in the order in which it was sent; as long as the timeline goes on, decoding
// advances, and composition offsets are such as a video index can hold.
func FuzzTimestamps(f *testing.F) {
	step := func(steps ...int32) (script []byte) {
		for _, s := range steps {
			script = binary.BigEndian.AppendUint32(append(script, 1, 2), uint32(s))
		}
		return script
	}
	f.Add(step(0, 9000, -6000, 3000, 9000, -6000, 3000))
	f.Add(step(0, 3000, 3000, 0, 3000, -3000))
	f.Add(step(1<<31-1, 1<<31-1, 3000, -1<<31, -1<<31))
	f.Add(append(step(0, 900_000, -899_000), 0, 16, 0, 0, 0, 1))
	f.Fuzz(func(t *testing.T, script []byte) {
		var o ordering
		var line *timeline
		sent, came := 0, 0
		emit := func(it *item) {
			if int(binary.BigEndian.Uint32(it.frame.Data)) != came {
				t.Fatalf("frame %x comes as number %d", it.frame.Data, came)
			}
			came++
			if line == nil {
				line = newTimeline(it.dts90k, it.offset90k(), after(0))
				return
			}
			before90k := line.adjusted90k
			duration90k, err := line.advance(it.dts90k)
			if err != nil {
				line = nil
				return
			}
			if duration90k <= 0 || line.adjusted90k != before90k+duration90k || line.adjusted90k > before90k+minLongestFrame90k*2 {
				t.Fatalf("duration %d", duration90k)
			}
			if offset90k := line.offset90k(it.offset90k()); offset90k.Duration().Abs() >= moonfirefs.MaxRecordingDuration90k.Duration() {
				t.Fatalf("composition offset %d", offset90k)
			}
			line.place(it.offset90k(), after(0))
			if line.adjusted90k >= (segmentation{}).tooLong90k() {
				line = line.next()
			}
		}
		pts90k := int64(0)
		for chunk := range slices.Chunk(script, 6) {
			if len(chunk) < 6 {
				break
			}
			pts90k += int64(int32(binary.BigEndian.Uint32(chunk[2:])))
			frame := camera.Frame{PTS90k: pts90k, Data: binary.BigEndian.AppendUint32(nil, uint32(sent))}
			frame.MayGoBack, frame.Lookahead = chunk[0]&1 == 1, int(chunk[1]%17)
			if chunk[0]&2 != 0 {
				frame.PTS90k &= 1<<32 - 1
			}
			sent++
			o.add(&item{frame: frame}, emit)
			if len(o.held) > 16 || len(o.held) != len(o.shown90k) {
				t.Fatalf("%d frames are held, %d times", len(o.held), len(o.shown90k))
			}
		}
		o.end(emit)
		if came != sent {
			t.Fatalf("%d of %d frames came", came, sent)
		}
	})
}

// FuzzCameraClock ensures that, whatever the time stamps and the times of arrival, every frame
// comes once and in order, no more are held back than may be, and time does not go back but
// where frames may.
func FuzzCameraClock(f *testing.F) {
	step := func(stampsAndMillis ...uint32) (script []byte) {
		for i := 0; i+1 < len(stampsAndMillis); i += 2 {
			script = binary.BigEndian.AppendUint32(script, stampsAndMillis[i])
			script = append(script, byte(stampsAndMillis[i+1]), 0)
		}
		return script
	}
	f.Add(step(0, 0, 3000, 33, 3000, 33, 1<<31, 33, 3000, 33))
	f.Add(step(0, 0, 300_000, 33, 300_000, 33, 300_000, 33, 300_000, 33, 300_000, 33, 300_000, 33))
	f.Fuzz(func(t *testing.T, script []byte) {
		sent, came, last90k := 0, 0, int64(math.MinInt64)
		clock := cameraClock{log: slog.New(slog.DiscardHandler), count: func(int) {}}
		emit := func(it *item) {
			if int(binary.BigEndian.Uint32(it.frame.Data)) != came {
				t.Fatalf("frame %x comes as number %d", it.frame.Data, came)
			}
			if !it.frame.MayGoBack && it.frame.PTS90k < last90k {
				t.Fatalf("frame %d is at %d, the one before at %d", came, it.frame.PTS90k, last90k)
			}
			came, last90k = came+1, max(last90k, it.frame.PTS90k)
		}
		stamp90k, at := int64(0), time.Duration(0)
		for chunk := range slices.Chunk(script, 6) {
			if len(chunk) < 6 {
				break
			}
			stamp90k += int64(int32(binary.BigEndian.Uint32(chunk)))
			at += time.Duration(chunk[4]) * 7 * time.Millisecond
			frame := camera.Frame{PTS90k: stamp90k, Data: binary.BigEndian.AppendUint32(nil, uint32(sent))}
			frame.MayGoBack, frame.Sync = chunk[5]&1 != 0, chunk[5]&2 != 0
			sent++
			clock.add(&item{frame: frame, arrival: after(at)}, emit)
			if clock.looked && len(clock.doubtful) > maxDoubtful {
				t.Fatalf("%d frames are in doubt", len(clock.doubtful))
			}
			if chunk[5]&4 != 0 {
				clock.end(emit)
				last90k = math.MinInt64
			}
		}
		clock.end(emit)
		if came != sent {
			t.Fatalf("%d of %d frames came", came, sent)
		}
	})
}
