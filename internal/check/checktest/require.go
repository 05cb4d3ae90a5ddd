// SPDX-License-Identifier: GPL-3.0-or-later

// Package checktest lets tests of any package require that a store is in order.
package checktest

import (
	"context"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/check"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// Require checks the store in a directory, contents of sample files included, and
// fails the test for each finding. It may be called in a cleanup, and beside a
// recorder. What a test that has failed already has left behind says nothing.
func Require(t testing.TB, path string) {
	t.Helper()
	if t.Failed() {
		return
	}
	// Not the test's context: that ends before its cleanups.
	ctx := context.Background()
	s, err := store.Open(ctx, path, store.Reading, nil)
	if err != nil {
		t.Errorf("check: %v", err)
		return
	}
	defer s.Close()
	report, err := check.Check(ctx, s, check.Options{Index: true, Hash: true})
	if err != nil {
		t.Error(err)
		return
	}
	for i := range report.Findings {
		t.Errorf("check: %s", &report.Findings[i])
	}
}
