// SPDX-License-Identifier: GPL-3.0-or-later

package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// place is a file that is named with its folder, and what to look for in it.
	place = regexp.MustCompile("`([a-z0-9]+/[a-z0-9/]+\\.go)`(?:: ((?:`[A-Za-z0-9.]+`(?:, | and )?)+))?")
	// quotedName is one of the names behind a file.
	quotedName = regexp.MustCompile("`([A-Za-z0-9.]+)`")
)

// TestWhereIsIt ensures that a reader of design/architecture.md finds what it says is
// somewhere: the files are there, and what they are said to have is in them.
func TestWhereIsIt(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top, "design", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, ok := strings.Cut(string(text), "## Where is it?\n")
	chapter, _, ends := strings.Cut(chapter, "\n## ")
	if !ok || !ends {
		t.Fatal("there is no such chapter")
	}
	found := 0
	for _, match := range place.FindAllStringSubmatch(chapter, -1) {
		code, err := os.ReadFile(filepath.Join(top, match[1]))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, name := range quotedName.FindAllStringSubmatch(match[2], -1) {
			found++
			if !declares(string(code), name[1]) {
				t.Errorf("%s has no %s", match[1], name[1])
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d names are told", found)
	}
}

// declares tells whether code has a function of a name, or a method of Type.Name.
func declares(code, name string) bool {
	receiver, method, isMethod := strings.Cut(name, ".")
	if !isMethod {
		return strings.Contains(code, "\nfunc "+name+"(")
	}
	return regexp.MustCompile(`(?m)^func \(\w+ \*?` + receiver + `\) ` + method + `\(`).MatchString(code)
}
