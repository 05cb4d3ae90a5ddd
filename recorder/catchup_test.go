// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/camera"
)

// TestCatchesUp ensures that frames which have waited while the process stood still are
// dated by the run that they continue, and none is lost.
func TestCatchesUp(t *testing.T) {
	f := newFixture(t, plenty)
	c := newFakeCamera(f.clock)
	const before, waited, after = 300, 400, 300
	n := 0
	s := newScript(func() (camera.Frame, error) {
		n++
		switch {
		case n == before+1:
			f.clock.pass(waited * frameTime)
		case n > before+waited+after:
			return camera.Frame{}, io.EOF
		}
		frame := c.frame()
		if n > before && n <= before+waited {
			f.clock.pass(-frameTime) // it comes at once
		}
		return frame, nil
	})
	o := f.options(s)
	o.SegmentEvery = 10 * time.Second
	f.recordWith(o, s)
	var data []byte
	all := f.recordings()
	for i := range all {
		data = append(data, all[i].data...)
		if i > 0 && (all[i].RunOffset != all[i-1].RunOffset+1 || all[i].Start90k != all[i-1].Start90k.Add(all[i-1].Duration90k)) {
			t.Errorf("recording %d does not continue the one before: %v, %v", i, all[i-1], all[i])
		}
	}
	if !bytes.Equal(data, s.bytes()) {
		t.Errorf("recordings hold %d bytes, of %d", len(data), len(s.bytes()))
	}
}
