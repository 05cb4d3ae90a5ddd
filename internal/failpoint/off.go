// SPDX-License-Identifier: GPL-3.0-or-later

//go:build !failpoints

package failpoint

// Step performs a numbered step that can fail.
func Step(_ string, step func() error) error { return step() }

// Do performs a numbered step that cannot fail.
func Do(_ string, step func()) { step() }

// Seeded tells whether a fault is switched on that is there to test the tests.
func Seeded(string) bool { return false }
