// SPDX-License-Identifier: GPL-3.0-or-later

// Package eventstest gives tests a database of events.
package eventstest

import (
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/events"
)

// Open opens a database that the end of the test closes.
func Open(tb testing.TB, store uuid.UUID) *events.Database {
	tb.Helper()
	d, err := events.OpenDatabase(tb.Context(), filepath.Join(tb.TempDir(), events.FileName), store)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = d.Close() })
	return d
}

// All lists the events that it has.
func All(tb testing.TB, d *events.Database) []events.Event {
	tb.Helper()
	found, err := d.All(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return found
}
