// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"strings"
	"testing"
)

// TestPasswordLine ensures that a password is the first line of what is read, and that a file
// without lines, such as /dev/zero, is not read to its end.
func TestPasswordLine(t *testing.T) {
	for text, want := range map[string]string{"secret\r\nmore": "secret", "secret": "secret", "": "", "\uFEFFsecret\r\n": "secret"} {
		if got, err := firstLine(strings.NewReader(text)); err != nil || got != want {
			t.Errorf("of %q: %q, %v", text, got, err)
		}
	}
	if got, err := firstLine(strings.NewReader("\xff\xfes\x00e\x00\r\x00\n\x00")); err == nil {
		t.Errorf("of UTF-16: %q", got)
	}
	endless := strings.NewReader(strings.Repeat("x", 1<<20))
	if _, err := firstLine(endless); err == nil || endless.Len() < 1<<19 {
		t.Errorf("%v, and %d bytes were not read", err, endless.Len())
	}
}
