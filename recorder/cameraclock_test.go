// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

// clockTest plays frames to a cameraClock.
type clockTest struct {
	*testing.T
	clock     cameraClock
	restamped int
	sent      int
	got       []item
}

func newClockTest(t *testing.T) *clockTest {
	t.Helper()
	c := &clockTest{T: t}
	c.clock = cameraClock{log: slog.New(slog.DiscardHandler), count: func(n int) { c.restamped += n }}
	return c
}

func (c *clockTest) emit(it *item) {
	if it.frame.Data[0] != byte(len(c.got)) {
		c.Fatalf("frame %d comes as number %d", it.frame.Data[0], len(c.got))
	}
	c.got = append(c.got, *it)
}

// send sends a frame that was stamped and received at some times.
func (c *clockTest) send(stamp90k int64, received time.Duration) {
	f := camera.Frame{PTS90k: stamp90k, Sync: c.sent%30 == 0, Data: []byte{byte(c.sent)}}
	c.sent++
	c.clock.add(&item{frame: f, arrival: after(received)}, c.emit)
}

func (c *clockTest) end() {
	c.clock.end(c.emit)
	if len(c.got) != c.sent {
		c.Fatalf("%d of %d frames came", len(c.got), c.sent)
	}
}

// at is how long after the first frame another is on the line.
func (c *clockTest) at(n int) time.Duration {
	return moonfirefs.Duration90k(c.got[n].frame.PTS90k - c.got[0].frame.PTS90k).Duration()
}

// gathered is when frames are known that were sent at a time: those of 187 ms at once.
func gathered(sent time.Duration) time.Duration {
	const every = 187 * time.Millisecond
	return (sent/every + 1) * every
}

// Whatever the pace of a camera's time stamps, its frames are on a line that goes at the
// pace of this machine's clock, from the first one on.
func TestCameraClockPace(t *testing.T) {
	for _, fps := range []int{4, 15, 30} {
		for _, pace := range []float64{0.01, 1.0 / 90, 0.1, 0.4, 0.8, 1, 1.3, 3, 10.5, 90, 100} {
			t.Run(fmt.Sprintf("%v, %d frames per second", pace, fps), func(t *testing.T) {
				c := newClockTest(t)
				frame := time.Second / time.Duration(fps)
				n := 60 * fps
				for i := range n {
					sent := time.Duration(i) * frame
					c.send(7777+int64(math.Round(float64(moonfirefs.FromDuration(sent))*pace)), gathered(sent))
				}
				c.end()
				for i := range n {
					tolerance := 700 * time.Millisecond
					if pace > 0.7 && pace < 1.4 {
						tolerance = 2500 * time.Millisecond // so little shows after some seconds only
					}
					sent := time.Duration(i) * frame
					if off := c.at(i) - sent; off.Abs() > tolerance {
						t.Fatalf("frame %d, sent at %v, is at %v", i, sent, c.at(i))
					}
				}
				if off := c.at(n-1) - c.at(n/2) - time.Duration(n-1-n/2)*frame; off.Abs() > 600*time.Millisecond {
					t.Errorf("half a minute lasts %v longer", off)
				}
				if c.restamped > 0 || c.clock.pace.told != (pace != 1) {
					t.Errorf("%d frames are counted as strays; told: %v", c.restamped, c.clock.pace.told)
				}
			})
		}
	}
}

// What a camera does that stamps its frames as it should is left as it is.
func TestCameraClockLeavesAlone(t *testing.T) {
	const frame = 40 * time.Millisecond
	random := rand.New(rand.NewPCG(5, 6))
	stamp := func(i int) time.Duration { return time.Duration(i) * frame }
	tests := map[string]struct {
		stamp    func(i int) time.Duration
		received func(i int) time.Duration
	}{
		"in order":       {stamp, func(i int) time.Duration { return gathered(stamp(i)) }},
		"burst at first": {stamp, func(i int) time.Duration { return max(stamp(i), 4*time.Second) }},
		"a large frame at first": {stamp, func(i int) time.Duration {
			if sent := stamp(i); sent > 700*time.Millisecond && sent < 2*time.Second {
				return max(sent, 1700*time.Millisecond)
			}
			return stamp(i)
		}},
		"held up at first": {stamp, func(i int) time.Duration {
			if sent := stamp(i); sent > 600*time.Millisecond {
				return sent + 1200*time.Millisecond
			}
			return stamp(i)
		}},
		"held up for 8 s": {stamp, func(i int) time.Duration {
			if sent := stamp(i); sent > 10*time.Second && sent < 18*time.Second {
				return 18 * time.Second
			}
			return stamp(i)
		}},
		"catches up": {stamp, func(i int) time.Duration {
			if sent := stamp(i); sent > 20*time.Second && sent < 30*time.Second {
				return 27*time.Second + (sent-20*time.Second)*3/10
			}
			return stamp(i)
		}},
		"delays of 300 ms": {stamp, func(i int) time.Duration { return stamp(i) + time.Duration(random.Int64N(int64(300*time.Millisecond))) }},
		"500 ppm fast":     {func(i int) time.Duration { return stamp(i) + stamp(i)/2000 }, stamp},
		"500 ppm slow":     {func(i int) time.Duration { return stamp(i) - stamp(i)/2000 }, stamp},
		"pauses of 12 s":   {func(i int) time.Duration { return stamp(i) + time.Duration(i/60)*12*time.Second }, func(i int) time.Duration { return stamp(i) + time.Duration(i/60)*12*time.Second }},
		"one in 12 s":      {func(i int) time.Duration { return time.Duration(i) * 12 * time.Second }, func(i int) time.Duration { return time.Duration(i)*12*time.Second + 100*time.Millisecond }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClockTest(t)
			for i := range 1400 {
				c.send(int64(moonfirefs.FromDuration(test.stamp(i))), test.received(i))
			}
			c.end()
			for i := range c.got {
				if off := c.at(i) - test.stamp(i); off.Abs() > time.Millisecond {
					t.Fatalf("frame %d, stamped %v, is at %v", i, test.stamp(i), c.at(i))
				}
			}
		})
	}
}

// More frames at first than any camera sends are not kept until their pace is known, and none
// is found in them.
func TestCameraClockFlood(t *testing.T) {
	c := newClockTest(t)
	for i := range 20_000 {
		c.send(int64(i), time.Duration(i)*100*time.Microsecond)
		if kept := len(c.clock.doubtful); kept > maxFirst {
			t.Fatalf("%d frames are kept", kept)
		}
	}
	c.end()
	for i := range c.got {
		if line90k := c.got[i].frame.PTS90k; line90k != int64(i) {
			t.Fatalf("frame %d is at %d", i, line90k)
		}
	}
}

// A time stamp that does not belong where it is costs nothing: the frame is put between its
// neighbours, and the line goes on.
func TestCameraClockStrays(t *testing.T) {
	for _, by := range []time.Duration{
		-9800 * time.Second, 9800 * time.Second, -30 * time.Hour, 5 * time.Second, -5 * time.Second, 500 * time.Millisecond, -300 * time.Millisecond,
	} {
		for _, every := range []int{30, 7, 500} {
			t.Run(fmt.Sprintf("%v, every %d", by, every), func(t *testing.T) {
				c := newClockTest(t)
				const frame = time.Second / 15
				strays := 0
				for i := range 995 {
					sent := time.Duration(i) * frame
					stamp := sent
					if i%every == every-2 {
						stamp += by
						strays++
					}
					c.send(int64(moonfirefs.FromDuration(stamp)), gathered(sent))
				}
				c.end()
				for i := range c.got {
					sent := time.Duration(i) * frame
					if off := c.at(i) - sent; off.Abs() > 510*time.Millisecond || by.Abs() > time.Second && off.Abs() > time.Millisecond {
						t.Fatalf("frame %d, sent at %v, is at %v", i, sent, c.at(i))
					}
					if c.got[i].clockSet {
						t.Fatalf("before frame %d, the clock was set", i)
					}
				}
				if c.restamped != strays {
					t.Errorf("%d strays are counted, of %d", c.restamped, strays)
				}
			})
		}
	}
}

// A camera's clock that is set, and stays so, costs no frame: the line goes on, and the next
// key frame says what has happened.
func TestCameraClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{10 * time.Hour, -10 * time.Hour, -time.Second, 9 * time.Second, time.Minute} {
		t.Run(by.String(), func(t *testing.T) {
			c := newClockTest(t)
			const frame = time.Second / 15
			set := 0
			for i := range 1000 {
				sent := time.Duration(i) * frame
				stamp := sent
				if i >= 400 {
					stamp += by
				}
				c.send(int64(moonfirefs.FromDuration(stamp)), gathered(sent))
			}
			c.end()
			for i := range c.got {
				sent := time.Duration(i) * frame
				if off := c.at(i) - sent; off.Abs() > 250*time.Millisecond {
					t.Fatalf("frame %d, sent at %v, is at %v", i, sent, c.at(i))
				}
				if c.got[i].clockSet {
					set++
				}
			}
			if set != 1 || !c.got[420].clockSet || c.restamped > 0 {
				t.Errorf("the clock was set %d times; %d frames are counted as strays", set, c.restamped)
			}
		})
	}
}

// Time stamps that make no sense at all cost no frame: frames are dated by their arrival.
func TestCameraClockNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for name, stamp := range map[string]func(i int) int64{
		"noise":   func(int) int64 { return random.Int64N(1<<59) - 1<<58 },
		"32 bits": func(int) int64 { return int64(random.Uint32()) },
		"extremes": func(i int) int64 {
			return []int64{math.MinInt64, math.MaxInt64, 0, 1 << 50, -1 << 50, 1 << 40, 1 << 55}[i%7]
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClockTest(t)
			const frame = time.Second / 15
			for i := range 1000 {
				c.send(stamp(i), gathered(time.Duration(i)*frame))
			}
			c.end()
			for i := range c.got {
				if off := c.at(i) - time.Duration(i)*frame; off.Abs() > 3*time.Second || i > 0 && c.at(i) < c.at(i-1) {
					t.Fatalf("frame %d, sent at %v, is at %v", i, time.Duration(i)*frame, c.at(i))
				}
			}
		})
	}
}
