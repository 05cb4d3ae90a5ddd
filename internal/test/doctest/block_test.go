// SPDX-License-Identifier: GPL-3.0-or-later

package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// top is the root of the tree.
const top = "../../.."

// document is a text for people with commands in it.
type document struct {
	path   string // from the root of the tree
	blocks []block
}

// block is a piece of shell.
type block struct {
	line     int
	commands string
	// runner is who runs it: "run", "run: NAME" or "not run: REASON".
	runner string
}

var marker = regexp.MustCompile(`^<!-- (run|run: [a-z]+|not run: .+) -->$`)

func documents(t *testing.T) (all []document) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(top, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, filepath.Join(top, "README.md"), filepath.Join(top, "CONTRIBUTING.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		relative, err := filepath.Rel(top, path)
		if err != nil {
			t.Fatal(err)
		}
		d := document{path: relative}
		if d.blocks, err = blocks(string(text)); err != nil {
			t.Errorf("%s: %v", relative, err)
		}
		all = append(all, d)
	}
	return all
}

// blocks finds the blocks of a document. Anything that looks like commands and has
// no marker is an error.
func blocks(text string) (found []block, err error) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		if !strings.HasPrefix(lines[i], "```") {
			if strings.HasPrefix(lines[i], "    ") && i > 0 && lines[i-1] == "" {
				return nil, fmt.Errorf("line %d: an indented block: commands stand between ``` and have a marker", i+1)
			}
			continue
		}
		end := i + 1 + slices.Index(lines[i+1:], "```")
		if end == i {
			return nil, fmt.Errorf("line %d: the block does not end", i+1)
		}
		switch lines[i] {
		case "```sh":
			match := marker.FindStringSubmatch(lines[i-1])
			if match == nil {
				return nil, fmt.Errorf("line %d: the block does not say who runs it", i+1)
			}
			found = append(found, block{line: i + 2, commands: strings.Join(lines[i+1:end], "\n"), runner: match[1]})
		case "```":
			return nil, fmt.Errorf("line %d: the block does not say what it is: sh or text", i+1)
		}
		i = end
	}
	return found, nil
}

// Ensures that no block of commands can be overlooked.
func TestBlocks(t *testing.T) {
	for name, text := range map[string]string{
		"no marker": "a\n\n```sh\nls\n```\n", "no language": "a\n\n```\nls\n```\n", "indented": "a\n\n    ls\n",
		"no end": "a\n\n<!-- run -->\n```sh\nls\n",
	} {
		if found, err := blocks(text); err == nil {
			t.Errorf("%s: no error, and blocks %v", name, found)
		}
	}
	found, err := blocks("a\n<!-- run -->\n```sh\nls\n```\n<!-- not run: no -->\n```sh\nrm\ncp\n```\n```text\nx\n```\n")
	want := []block{{4, "ls", "run"}, {8, "rm\ncp", "not run: no"}}
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("found %v, %v", found, err)
	}
}
