// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

// noon is when the runs of these tests begin.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// after is an arrival d after noon, by both clocks.
func after(d time.Duration) arrival {
	return arrival{wall: noon.Add(d), monotonic: 1000*time.Hour + d}
}

const second90k = moonfirefs.UnitsPerSecond

// The first recording of a run starts where the frame with the least delay says.
func TestTimelineStartsAtLeastDelayedFrame(t *testing.T) {
	ms := time.Millisecond
	tests := map[string]struct {
		delays []time.Duration // of frames that are 100 ms apart
		want   time.Duration
	}{
		"no delay":            {[]time.Duration{0, 0, 0}, 0},
		"constant delay":      {[]time.Duration{70 * ms, 70 * ms, 70 * ms}, 70 * ms},
		"first is best":       {[]time.Duration{5 * ms, 70 * ms, 300 * ms}, 5 * ms},
		"last is best":        {[]time.Duration{70 * ms, 80 * ms, 6 * ms}, 6 * ms},
		"burst of old frames": {[]time.Duration{900 * ms, 800 * ms, 700 * ms, 40 * ms, 41 * ms}, 40 * ms},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			line := newTimeline(77, 0, after(test.delays[0]))
			for i, delay := range test.delays[1:] {
				captured := time.Duration(i+1) * 100 * ms
				if _, err := line.advance(77 + int64(moonfirefs.FromDuration(captured))); err != nil {
					t.Fatal(err)
				}
				line.place(0, after(captured+delay))
			}
			start, delta := line.dating().Start90k, line.dating().LocalTimeDelta90k
			if want := moonfirefs.FromTime(noon.Add(test.want)); start != want || delta != 0 {
				t.Errorf("start %v, delta %v; want %v, 0", start, delta, want)
			}
		})
	}
}

// drive runs a timeline for a number of recordings of 60 s at 30 frames/s, on a
// camera whose clock is ppm parts per million too fast and whose frames arrive
// without delay. It checks what must always hold, and returns the deltas.
func drive(t *testing.T, ppm int64, recordings int) (deltas []moonfirefs.Duration90k) {
	t.Helper()
	const frames, frame90k = 1800, 3000
	pts := func(i int64) int64 { return i * frame90k * (1_000_000 + ppm) / 1_000_000 }
	at := func(i int64) arrival { return after(time.Duration(i) * time.Second / 30) }
	line := newTimeline(pts(0), 0, at(0))
	end := moonfirefs.MaxTime90k
	var sum, camera moonfirefs.Duration90k
	for i := int64(1); len(deltas) < recordings; i++ {
		duration, err := line.advance(pts(i))
		if err != nil || duration <= 0 {
			t.Fatalf("frame %d: duration %d, %v", i, duration, err)
		}
		sum += duration
		camera += moonfirefs.Duration90k(pts(i) - pts(i-1))
		if i%frames == 0 {
			next := line.media90k()
			start, delta := line.dating().Start90k, line.dating().LocalTimeDelta90k
			line = line.next()
			if end != moonfirefs.MaxTime90k && start != end {
				t.Fatalf("recording %d starts at %v, the one before ended at %v", len(deltas), start, end)
			}
			if end = start.Add(sum); end != next || line.media90k() != next {
				t.Fatalf("recording %d ends at %v, the next was announced for %v and is at %v", len(deltas), end, next, line.media90k())
			}
			if correction := sum - camera; correction*1_000_000 > camera*501 || correction*1_000_000 < -camera*501 {
				t.Fatalf("recording %d: durations of %d corrected by %d", len(deltas), camera, correction)
			}
			deltas = append(deltas, delta)
			sum, camera = 0, 0
		}
		line.place(0, at(i))
	}
	return deltas
}

// Later recordings start where the one before ended, and their durations are
// corrected so that a camera clock which is wrong stays within milliseconds.
func TestTimelineFollowsThisMachinesClock(t *testing.T) {
	for _, ppm := range []int64{0, 1, -1, 20, -20, 100, -100, 300, -300, 480, -480} {
		deltas := drive(t, ppm, 120)
		if deltas[0] != 0 {
			t.Errorf("%d ppm: delta of the first recording is %v", ppm, deltas[0])
		}
		// A correction that makes up half of the difference per minute keeps
		// the difference at two to three times the drift of one minute.
		limit := 4*max(ppm, -ppm)*60*second90k/1_000_000 + 10
		for i, delta := range deltas {
			if int64(delta) > limit || int64(delta) < -limit {
				t.Errorf("%d ppm: delta of recording %d is %d, more than %d", ppm, i, delta, limit)
			}
		}
		if last := deltas[len(deltas)-1] - deltas[len(deltas)-2]; last > 2 || last < -2 {
			t.Errorf("%d ppm: the delta still moves by %d after two hours", ppm, last)
		}
	}
}

// For a whole day, however wrong the camera's clock is, and whatever delays frames,
// recordings start within 100 ms of when their first frame was taken, and touch.
func TestTimelineOverADay(t *testing.T) {
	const frame90k, perRecording = 18_000, 300 // 5 frames a second
	for _, ppm := range []int64{500, -500, 50} {
		for _, reordered := range []bool{false, true} {
			random := rand.New(rand.NewPCG(uint64(ppm), 6))
			var o ordering
			var line *timeline
			var end moonfirefs.Time90k
			worst, recordings, n := time.Duration(0), 0, 0
			taken := func(i int64) time.Duration { return time.Duration(i) * 200 * time.Millisecond }
			emit := func(it *item) {
				if line == nil {
					line = newTimeline(it.dts90k, it.offset90k(), it.arrival)
					n++
					return
				}
				duration, err := line.advance(it.dts90k)
				if err != nil || duration <= 0 {
					t.Fatalf("%d ppm: frame %d: %v, %v", ppm, n, duration, err)
				}
				if n%perRecording == 0 {
					next := line.media90k()
					start := line.dating().Start90k
					line = line.next()
					if recordings > 0 && start != end {
						t.Fatalf("%d ppm: recording %d starts at %v, not %v", ppm, recordings, start, end)
					}
					end = next
					off := start.Sub(moonfirefs.FromTime(noon.Add(taken(int64(n - perRecording))))).Duration()
					worst = max(worst, off.Abs())
					recordings++
				}
				line.place(it.offset90k(), it.arrival)
				n++
			}
			for i := range int64(24 * 60 * 60 * 5) {
				number := i
				f := camera.Frame{Sync: i == 0}
				if reordered && i > 0 {
					number += []int64{-1, 2, -1}[i%3]
					f.Order = camera.Order{Lookahead: 1, MayGoBack: i%3 != 1}
				}
				f.PTS90k = number * frame90k * (1_000_000 + ppm) / 1_000_000
				// A network delays each frame a little, and now and then by seconds.
				delay := time.Duration(random.Int64N(int64(40 * time.Millisecond)))
				if i%1000 > 990 {
					delay += 2 * time.Second
				}
				sent := taken(i)
				if reordered {
					sent = taken(max(number, i+1)) // the encoder waits for the P
				}
				o.add(&item{frame: f, arrival: after(sent + delay)}, emit)
			}
			if worst > 100*time.Millisecond || recordings < 1439 {
				t.Errorf("%d ppm, reordered %v: of %d recordings, one is dated wrong by %v", ppm, reordered, recordings, worst)
			}
		}
	}
}

// A clock that is worse than any camera's is corrected by 500 ppm, no more.
func TestTimelineCorrectionIsBounded(t *testing.T) {
	deltas := drive(t, 5000, 30)
	perMinute := deltas[29] - deltas[28]
	// 5000 ppm of drift, less the correction.
	if want := moonfirefs.Duration90k(-4500 * 60 * second90k / 1_000_000); perMinute < want-20 || perMinute > want+20 {
		t.Errorf("the delta moves by %d per minute, want about %d", perMinute, want)
	}
}

// However short frames are, a correction makes no duration zero.
func TestTimelineDurationsStayPositive(t *testing.T) {
	line := newTimeline(0, 0, after(0))
	if _, err := line.advance(second90k); err != nil {
		t.Fatal(err)
	}
	line = line.next()
	line.place(0, after(-10*time.Second)) // this machine's clock is far behind
	if _, err := line.advance(2 * second90k); err != nil {
		t.Fatal(err)
	}
	line = line.next()
	if line.correction90k != -maxCorrection90k {
		t.Fatalf("correction is %d", line.correction90k)
	}
	for i := range int64(10_000) {
		if d, err := line.advance(2*second90k + i + 1); err != nil || d < 1 {
			t.Fatalf("frame %d: duration %d, %v", i, d, err)
		}
	}
}

// A frame that cannot be dated leaves the timeline as it was.
func TestTimelineErrorChangesNothing(t *testing.T) {
	line := newTimeline(0, 0, after(0))
	if _, err := line.advance(3000); err != nil {
		t.Fatal(err)
	}
	line.place(0, after(time.Second/30))
	before := *line
	if _, err := line.advance(0); !errors.Is(err, errTimestamps) {
		t.Fatalf("got %v", err)
	}
	if *line != before {
		t.Errorf("%+v became %+v", before, *line)
	}
}

func TestTimelineClockStepped(t *testing.T) {
	line := newTimeline(0, 0, after(0))
	tests := map[string]struct {
		step time.Duration
		want bool
	}{
		"none":           {0, false},
		"slewed forward": {time.Second, false},
		"slewed back":    {-time.Second, false},
		"set forward":    {time.Second + 1, true},
		"set back":       {-time.Second - 1, true},
		"set by years":   {30 * 365 * 24 * time.Hour, true},
	}
	for name, test := range tests {
		at := after(5 * time.Hour)
		at.wall = at.wall.Add(test.step)
		if got := line.clockStepped(at); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// Arrival times come from the monotonic clock: a wall clock that is set during a
// run does not move the run.
func TestTimelineIgnoresWallClockWithinRun(t *testing.T) {
	line := newTimeline(0, 0, after(0))
	for i := range int64(5) {
		if _, err := line.advance((i + 1) * second90k); err != nil {
			t.Fatal(err)
		}
		at := after(time.Duration(i+1) * time.Second)
		at.wall = at.wall.Add(-3 * time.Hour)
		line.place(0, at)
	}
	if start := line.dating().Start90k; start != moonfirefs.FromTime(noon) {
		t.Errorf("start is %v", start)
	}
}
