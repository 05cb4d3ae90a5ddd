// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// TestVersion ensures that a package says its version first, and what it runs with.
func TestVersion(t *testing.T) {
	defer func(r, c string) { release, commit = r, c }(release, commit)
	release, commit = "1.2.3", "0123abc"
	text := mustRun(t, "version")
	for _, line := range []string{`\Amoonfirefs 1\.2\.3$`, `^commit +0123abc$`, `^Go +go1\.\S+, linux/\w+$`, `^libavformat +\d+\.\d+\.\d+$`, `^SQLite +3\.\d+\.\d+$`} {
		if !regexp.MustCompile(`(?m)` + line).MatchString(text) {
			t.Errorf("no line is as %s in:\n%s", line, text)
		}
	}
	release, commit = "", ""
	if text := mustRun(t, "version"); !strings.HasPrefix(text, "moonfirefs ") || strings.HasPrefix(text, "moonfirefs \n") {
		t.Errorf("without a release, it prints %q", text)
	}
}

// TestVersionJSON ensures that programs find the same by names.
func TestVersionJSON(t *testing.T) {
	var got map[string]string
	if err := json.Unmarshal([]byte(mustRun(t, "version", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"version", "go", "os", "arch", "libavformat", "libavcodec", "sqlite"} {
		if got[key] == "" {
			t.Errorf("there is no %s in %v", key, got)
		}
	}
	if _, ok := got["commit"]; !ok {
		t.Errorf("there is no commit in %v", got)
	}
}
