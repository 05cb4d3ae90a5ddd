// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// TestErrorf ensures that an error is of its kind, and of that of what it wraps, and that
// its text does not have the kind in it.
func TestErrorf(t *testing.T) {
	err := moonfirefs.Errorf(moonfirefs.ErrExists, "there is a file %s: %w", "x", os.ErrClosed)
	for _, kind := range []error{moonfirefs.ErrExists, os.ErrClosed} {
		if !errors.Is(fmt.Errorf("y: %w", err), kind) {
			t.Errorf("not %v", kind)
		}
	}
	if errors.Is(err, moonfirefs.ErrNotFound) {
		t.Error("of a kind that was not given")
	}
	if want := "there is a file x: file already closed"; err.Error() != want {
		t.Errorf("text %q, want %q", err, want)
	}
}
