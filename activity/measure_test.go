// SPDX-License-Identifier: GPL-3.0-or-later

package activity

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// score compares what was marked with what moved, in minutes.
type score struct{ hits, misses, falseAlarms int }

func (s *score) count(marked, moved bool) {
	switch {
	case marked && moved:
		s.hits++
	case moved:
		s.misses++
	case marked:
		s.falseAlarms++
	}
}

// some is motion of 60, 20, 5 and 90 seconds, and of 10 across the turn of a minute: in
// seven minutes.
var some = [][2]int{{2 * 60, 3 * 60}, {6*60 + 13, 6*60 + 33}, {11*60 + 40, 11*60 + 45}, {16 * 60, 17*60 + 30}, {22*60 + 55, 23*60 + 5}}

// Ensures that the minutes with motion are marked in footage of constant quality, even if
// what moves is small, and at most one of the others; that recordings are as well, of which
// only the totals are known; and that noise and a constant bit rate mark nothing that does
// not move. docs/activity.md has the figures.
func TestRenderedMotion(t *testing.T) {
	crf := []string{"-crf", "28"}
	cbr := []string{"-b:v", "60k", "-maxrate", "60k", "-bufsize", "60k"}
	tests := []struct {
		name string
		scene
		// minHits are of the minutes and recordings with motion, maxFalse of the others.
		minHits, maxFalse int
	}{
		{"constant quality", scene{30, 4, 4, "20x40", some, crf}, 7, 1},
		{"something small", scene{30, 4, 4, "6x10", some, crf}, 7, 1},
		{"night noise", scene{30, 4, 12, "20x40", some, crf}, 1, 1},
		{"constant bit rate", scene{30, 4, 12, "20x40", some, cbr}, 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			samples := test.render(t)
			minutes := NewMinutes(moonfirefs.Interval{End90k: moonfirefs.Time90k(test.minutes) * moonfirefs.Time90k(Minute90k)})
			minutes.Add(0, samples)
			moving := test.moving()
			compare(t, "minutes", minutes.Measure(), moving, test.minHits, test.maxFalse)
			units, moved := recordings(samples, &test.scene)
			compare(t, "recordings", Measure(units), moved, test.minHits, test.maxFalse)
		})
	}
}

func compare(t *testing.T, what string, percents []Percent, moved []bool, minHits, maxFalse int) {
	t.Helper()
	var got score
	for i, p := range percents {
		got.count(p > 0, moved[i])
	}
	t.Logf("%s: %+v %v", what, got, percents)
	if got.hits < minHits || got.falseAlarms > maxFalse {
		t.Errorf("%s: %+v, want at least %d hits and at most %d false alarms: %v", what, got, minHits, maxFalse, percents)
	}
}

// recordings are what rows tell: about a minute each, which begins with a key frame and
// not with a minute, and key frames are not apart.
func recordings(samples []moonfirefs.Sample, s *scene) (units []Unit, moved []bool) {
	for i := range samples {
		second := i / s.fps
		if i == 0 || samples[i].Sync && second%60 == 22 {
			units, moved = append(units, Unit{Start90k: moonfirefs.Time90k(second * moonfirefs.UnitsPerSecond)}), append(moved, false)
		}
		last := len(units) - 1
		units[last].Bytes += int64(samples[i].Bytes)
		units[last].Footage90k += moonfirefs.Duration90k(samples[i].Duration90k)
		moved[last] = moved[last] || slices.ContainsFunc(s.motion, func(m [2]int) bool { return second >= m[0] && second < m[1] })
	}
	return units, moved
}

// minutesOf makes units of a minute, of which each has a rate in bytes per second.
func minutesOf(rates ...int64) (units []Unit) {
	for i, rate := range rates {
		units = append(units, Unit{moonfirefs.Time90k(i) * moonfirefs.Time90k(Minute90k), Minute90k, 60 * rate})
	}
	return units
}

func TestMeasure(t *testing.T) {
	tests := []struct {
		name  string
		units []Unit
		want  []Percent
	}{
		{"nothing", nil, []Percent{}},
		{"a minute", minutesOf(1000), []Percent{0}},
		{"ups and downs", minutesOf(1000, 1010, 990, 1005, 1000, 1015), []Percent{0, 0, 0, 0, 0, 0}},
		{"twice as much", minutesOf(1000, 1000, 2000, 1000, 1000), []Percent{0, 0, 100, 0, 0}},
		{"no end of it", minutesOf(1000, 1000, 1e9, 1000, 1000), []Percent{0, 0, MaxPercent, 0, 0}},
		{"from nothing", minutesOf(0, 0, 0, 0, 50), []Percent{0, 0, 0, 0, MaxPercent}},
		{"no footage", []Unit{{0, Minute90k, 60_000}, {5_400_000, 0, 0}, {10_800_000, minFootage90k - 1, 1 << 20}}, []Percent{0, NoFootage, NoFootage}},
		{"twice half a minute", []Unit{{0, Minute90k, 60_000}, {5_400_000, Minute90k, 60_000}, {10_800_000, Minute90k / 2, 60_000}}, []Percent{0, 0, 100}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Measure(test.units); !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

func TestStretches(t *testing.T) {
	got := Stretches([]Percent{0, 5, 10, 0, 3, NoFootage, 0, 7, 0})
	want := []Stretch{{First: 1, Minutes: 4, Peak: 10, Sum: 18}, {First: 7, Minutes: 1, Peak: 7, Sum: 7}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := Stretches([]Percent{0, NoFootage}); len(got) > 0 {
		t.Errorf("%+v in a still scene", got)
	}
}

// Ensures that each hour has its own usual: of the night, and of the day.
func TestUsualOfTheHour(t *testing.T) {
	rates := make([]int64, 24*60)
	for i := range rates {
		rates[i] = 1000
		if i >= 12*60 {
			rates[i] = 5000
		}
	}
	rates[3*60], rates[20*60] = 2000, 10_000
	percents := Measure(minutesOf(rates...))
	for i, p := range percents {
		switch {
		case i == 3*60 || i == 20*60:
			if p != 100 {
				t.Errorf("minute %d: %d", i, p)
			}
		case i < 11*60 || i >= 13*60:
			if p != 0 {
				t.Errorf("minute %d: %d", i, p)
			}
		}
	}
}

func TestMinutes(t *testing.T) {
	start := moonfirefs.Time90k(90 * moonfirefs.UnitsPerSecond)
	m := NewMinutes(moonfirefs.Interval{Start90k: start, End90k: start.Add(2 * Minute90k)})
	second := func(bytes int32, sync bool) moonfirefs.Sample {
		return moonfirefs.Sample{Duration90k: moonfirefs.UnitsPerSecond, Bytes: bytes, Sync: sync}
	}
	end := m.Add(start.Add(-moonfirefs.UnitsPerSecond), []moonfirefs.Sample{second(1, false), second(1000, true), second(20, false)})
	if want := start.Add(2 * moonfirefs.UnitsPerSecond); end != want {
		t.Errorf("ends at %v, want %v", end, want)
	}
	m.Add(start.Add(Minute90k), []moonfirefs.Sample{second(300, false)})
	m.Add(start.Add(2*Minute90k), []moonfirefs.Sample{second(300, false)})
	want := []minute{{2 * moonfirefs.UnitsPerSecond, 1000, 20}, {moonfirefs.UnitsPerSecond, 0, 300}}
	if !slices.Equal(m.minutes, want) {
		t.Errorf("%+v, want %+v", m.minutes, want)
	}
}

func TestNth(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for size := 1; size < 40; size++ {
		values := make([]int64, size)
		for i := range values {
			values[i] = random.Int64N(20)
		}
		sorted := slices.Sorted(slices.Values(values))
		for n := range sorted {
			if got := nth(values, n); got != sorted[n] || slices.Max(values[:n+1]) != got || slices.Min(values[n:]) != got {
				t.Fatalf("%d of %v: %d, then %v", n, sorted, got, values)
			}
		}
	}
}

func BenchmarkMeasureDay(b *testing.B) {
	rates := make([]int64, 24*60)
	for i := range rates {
		rates[i] = 10_000 + int64(i*7919%500)
	}
	units := minutesOf(rates...)
	for b.Loop() {
		Measure(units)
	}
}
