// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// contest is two things that were done in turn.
type contest struct{ ours, theirs []float64 }

// compete measures two things in turn. Both are times, or both are speeds.
func (b *bench) compete(ours, theirs func() (float64, error)) (*contest, error) {
	c := &contest{}
	for range b.rounds {
		a, err := ours()
		if err != nil {
			return nil, err
		}
		b, err := theirs()
		if err != nil {
			return nil, err
		}
		c.ours, c.theirs = append(c.ours, a), append(c.theirs, b)
	}
	return c, nil
}

// ratios are those of the rounds: the machine's speed changes from one round to
// the next, and less within one.
func (c *contest) ratios() []float64 {
	ratios := make([]float64, len(c.ours))
	for i := range ratios {
		ratios[i] = c.ours[i] / c.theirs[i]
	}
	return ratios
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[len(sorted)/2]
}

// report prints a line of the table.
func (b *bench) report(row int, what, unit string, c *contest) {
	r := c.ratios()
	b.printf("| %d | %s | %s %s | %s %s | %.2f× | %.2f–%.2f |\n", row, what,
		threeDigits(median(c.ours)), unit, threeDigits(median(c.theirs)), unit, median(r), slices.Min(r), slices.Max(r))
}

// threeDigits is what is worth telling of a figure.
func threeDigits(value float64) string {
	if value >= 1000 {
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.3g", value)
}

// note prints a line of the table about something that is compared with nothing.
func (b *bench) note(row int, what, format string, args ...any) {
	b.printf("| %d | %s | %s | | | |\n", row, what, fmt.Sprintf(format, args...))
}

// seconds measures how long something takes.
func seconds(do func() error) (float64, error) {
	start := time.Now()
	err := do()
	return time.Since(start).Seconds(), err
}

// timed makes something that compete can measure.
func timed(do func() error) func() (float64, error) {
	return func() (float64, error) { return seconds(do) }
}
