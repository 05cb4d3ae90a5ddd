// SPDX-License-Identifier: GPL-3.0-or-later

package doctest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// link finds the target of a link, and the anchor in it.
	link = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]*))?\)`)
	// heading finds the text of a heading.
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	// unspoken is what is not in the anchor of a heading.
	unspoken = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks ensures that the links of all documents within the tree lead to a file, and
// to a heading in it.
func TestLinks(t *testing.T) {
	found := 0
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != top && entry.Name() != ".github" {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			if target := match[1]; !strings.Contains(target, ":") {
				checkLink(t, path, target, match[2])
				found++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 100 {
		t.Errorf("only %d links were found", found)
	}
}

// checkLink requires that a link from a document leads somewhere. Without a target, it
// leads to a heading of the document itself.
func checkLink(t *testing.T, document, target, anchor string) {
	t.Helper()
	path := document
	if target != "" {
		path = filepath.Join(filepath.Dir(document), target)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("%s: the link to %s: %v", document, target, err)
		return
	}
	if anchor == "" {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range heading.FindAllStringSubmatch(string(text), -1) {
		if anchorOf(match[1]) == anchor {
			return
		}
	}
	t.Errorf("%s: %s has no heading of the anchor %s", document, path, anchor)
}

// anchorOf is the anchor that GitHub gives to a heading.
func anchorOf(heading string) string {
	return strings.ReplaceAll(strings.ToLower(unspoken.ReplaceAllString(heading, "")), " ", "-")
}
