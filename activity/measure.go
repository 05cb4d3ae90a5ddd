// SPDX-License-Identifier: GPL-3.0-or-later

package activity

import "github.com/moonfirefs/moonfirefs"

// Unit is a length of footage that gets one Percent.
type Unit struct {
	// Start90k is when it begins. Footage90k is how much footage it has, which may be less
	// than its length.
	Start90k   moonfirefs.Time90k
	Footage90k moonfirefs.Duration90k
	// Bytes is the size of its samples.
	Bytes int64
}

// Percent is how many more bytes a unit took than usual, in percent of the usual: 0 if
// the usual ups and downs explain them, at most MaxPercent, or NoFootage.
type Percent int16

const (
	// NoFootage says that there is too little footage to tell.
	NoFootage Percent = -1
	// MaxPercent stands for all that is more.
	MaxPercent Percent = 999
)

// Level is how a percent is shown, from 0 for nothing unusual to MaxLevel.
type Level uint8

// MaxLevel is the greatest Level.
const MaxLevel Level = 3

// Level returns 1 for less than a fifth more than usual, 2 for less than twice the usual,
// and 3 for all that is more.
func (p Percent) Level() Level {
	switch {
	case p <= 0:
		return 0
	case p < 20:
		return 1
	case p < 100:
		return 2
	}
	return MaxLevel
}

// What is usual is found anew for each hour, from the two hours around its middle.
const (
	step90k   = moonfirefs.Hour90k
	margin90k = moonfirefs.Hour90k / 2
)

// minFootage90k is what a unit must have of footage: less says little of the rest.
const minFootage90k = 5 * moonfirefs.UnitsPerSecond

// Measure finds the percent of each unit. Units are in the order of time, and in the
// answer as in the argument. What a unit gets depends on units of up to an hour and a
// half before and after it.
func Measure(units []Unit) []Percent {
	percents, rates := make([]Percent, len(units)), ratesOf(units)
	window := make([]int64, 0, len(units))
	for from := 0; from < len(units); {
		start90k := units[from].Start90k.Floor(step90k)
		end90k := start90k.Add(step90k)
		first, to := from, from
		for first > 0 && units[first-1].Start90k >= start90k.Add(-margin90k) {
			first--
		}
		for to < len(units) && units[to].Start90k < end90k {
			to++
		}
		last := to
		for last < len(units) && units[last].Start90k < end90k.Add(margin90k) {
			last++
		}
		window = appendKnown(window[:0], rates[first:last])
		usual := usualOf(window)
		for i := from; i < to; i++ {
			percents[i] = usual.percent(rates[i])
		}
		from = to
	}
	return percents
}

// unknownRate is that of a unit with too little footage.
const unknownRate = -1

// ratesOf are in bytes per second of footage.
func ratesOf(units []Unit) []int64 {
	rates := make([]int64, len(units))
	for i := range units {
		rates[i] = unknownRate
		if u := &units[i]; u.Footage90k >= minFootage90k {
			rates[i] = u.Bytes * moonfirefs.UnitsPerSecond / int64(u.Footage90k)
		}
	}
	return rates
}

func appendKnown(known, rates []int64) []int64 {
	for _, rate := range rates {
		if rate != unknownRate {
			known = append(known, rate)
		}
	}
	return known
}

// usual is what units have when nothing moves, in bytes per second.
type usual struct {
	rate int64
	// threshold is from where on a rate is no longer usual.
	threshold int64
}

const (
	// Something may move in half of the units, so what is usual is told by the lower ones:
	// of a still scene these are its ups and downs, of a busy one its quiet half.
	lowQuantile, usualQuantile = 10, 30
	// scatters is how many times the distance of those two a rate must be above the usual.
	// In a still scene, that is three standard deviations above the mean.
	scatters = 4
	// minExcessPercent and minExcess are for encoders that have hardly any ups and downs.
	minExcessPercent = 2
	minExcess        = 8
)

// usualOf puts the rates of a window into another order.
func usualOf(rates []int64) usual {
	if len(rates) == 0 {
		return usual{}
	}
	at := func(percent int) int { return (len(rates) - 1) * percent / 100 }
	rate := nth(rates, at(usualQuantile))
	// What is less than it lies before it now.
	low := nth(rates[:at(usualQuantile)+1], at(lowQuantile))
	excess := max(scatters*(rate-low), rate*minExcessPercent/100, minExcess)
	return usual{rate, rate + excess}
}

func (u usual) percent(rate int64) Percent {
	switch {
	case rate == unknownRate:
		return NoFootage
	case rate <= u.threshold:
		return 0
	}
	return Percent(min(100*(rate-u.rate)/max(u.rate, 1), int64(MaxPercent)))
}
