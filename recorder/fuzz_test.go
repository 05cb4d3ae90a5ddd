// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"encoding/binary"
	"slices"
	"testing"

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
