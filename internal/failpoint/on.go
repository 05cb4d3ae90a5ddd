// SPDX-License-Identifier: GPL-3.0-or-later

//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
)

// Variable is the environment variable that says what happens where.
const Variable = "MOONFIREFS_FAILPOINTS"

// points are by name. They are only read once the program runs.
var points = mustParse(os.Getenv(Variable))

func mustParse(text string) map[string]*point {
	points, err := parse(text)
	if err != nil {
		// A test that breaks nothing would pass.
		fmt.Fprintln(os.Stderr, "failpoint:", err)
		os.Exit(2)
	}
	return points
}

// Step performs a numbered step that can fail.
func Step(name string, step func() error) error {
	if err := hit(name + ".before"); err != nil {
		return err
	}
	if !Seeded(name) {
		if err := step(); err != nil {
			return err
		}
	}
	return hit(name + ".after")
}

// Do performs a numbered step that cannot fail.
func Do(name string, step func()) {
	must(name + ".before")
	if !Seeded(name) {
		step()
	}
	must(name + ".after")
}

// must hits a point where there is nobody to report an error to.
func must(name string) {
	if err := hit(name); err != nil {
		fmt.Fprintln(os.Stderr, "failpoint: this step cannot fail:", err)
		os.Exit(2)
	}
}

// Seeded tells whether a fault is switched on that is there to test the tests.
func Seeded(name string) bool {
	_, ok := points[name]
	return ok
}

func hit(name string) error {
	p, ok := points[name]
	if !ok {
		return nil
	}
	return p.hit(name)
}
