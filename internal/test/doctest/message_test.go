// SPDX-License-Identifier: GPL-3.0-or-later

package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notOurs are messages of other programs that docs/troubleshooting.md quotes.
var notOurs = []string{
	"Transport endpoint is not connected", "Input/output error", "Permission denied", "permission denied", "connection refused",
	"option allow_other only allowed if 'user_allow_other' is set in /etc/fuse.conf",
	"ConditionPathExists=/var/lib/moonfirefs/moonfire.db was not met", "ls",
}

var quoted = regexp.MustCompile("`([^`]+)`")

// TestMessages ensures that whoever searches docs/troubleshooting.md for what the
// program has said finds it: the program says what is quoted there.
func TestMessages(t *testing.T) {
	code := source(t)
	text, err := os.ReadFile(filepath.Join(top, "docs", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		for _, match := range quoted.FindAllStringSubmatch(cells[1], -1) {
			if message := match[1]; slices.Contains(notOurs, message) {
				continue
			} else if !strings.Contains(code, message) {
				t.Errorf("the program does not say %q", message)
			}
			found++
		}
	}
	if found < 20 {
		t.Errorf("only %d messages are quoted", found)
	}
}

// source is all of the program's code.
func source(t *testing.T) string {
	t.Helper()
	var code strings.Builder
	for _, pattern := range []string{"*.go", "*/*.go", "cmd/*/*.go", "internal/*/*.go"} {
		paths, err := filepath.Glob(filepath.Join(top, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(text)
		}
	}
	return code.String()
}
