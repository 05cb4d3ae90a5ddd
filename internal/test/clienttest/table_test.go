// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// table is what was found: a row for each program, a column for each property.
type table struct {
	name       string
	properties []string

	mu       sync.Mutex // guards the following
	programs []string
	cells    map[string]map[string]string // by program, then property
}

// tables are all results.
type tables []*table

var (
	// players are programs that show pictures, or say what there is to show.
	players = &table{name: "Players", properties: []string{
		"hour", "gap", "codec change", "clocks go back", "sub stream", "H.265", "B-frames", "sound", "clip by name", "seek",
	}}
	// copiers are programs that take files for files.
	copiers = &table{name: "Programs that copy and share", properties: []string{
		"same bytes", "names, sizes, times", "growing hour", "rotated away", "again", "write refused",
	}}
	results = tables{players, copiers, finders, delays}
)

// check runs a subtest that finds out whether a property holds for a program.
func (tb *table) check(t *testing.T, program, property string, test func(t *testing.T)) {
	t.Helper()
	if !slices.Contains(tb.properties, property) {
		t.Fatalf("the table has no property %q", property)
	}
	t.Run(property, func(t *testing.T) {
		t.Cleanup(func() {
			if t.Failed() {
				tb.set(program, property, "**no**")
			} else {
				tb.set(program, property, "yes")
			}
		})
		test(t)
	})
}

// except notes a fact about a program that keeps a property from holding in full.
func (tb *table) except(program, property, fact string) { tb.set(program, property, notePrefix+fact) }

// notePrefix begins a cell that is shown as the number of a note.
const notePrefix = "note: "

// set fills a cell, unless it says already that there is something to say.
func (tb *table) set(program, property, text string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if tb.cells == nil {
		tb.cells = make(map[string]map[string]string)
	}
	if tb.cells[program] == nil {
		tb.cells[program] = make(map[string]string)
		tb.programs = append(tb.programs, program)
	}
	if tb.cells[program][property] == "" || text == "**no**" {
		tb.cells[program][property] = text
	}
}

// markdown is the table as a document shows it.
func (tb *table) markdown() string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n| program | %s |\n|---|%s\n", tb.name,
		strings.Join(tb.properties, " | "), strings.Repeat("---|", len(tb.properties)))
	slices.Sort(tb.programs)
	var notes []string
	for _, program := range tb.programs {
		b.WriteString("| " + program + " |")
		for _, property := range tb.properties {
			cell := tb.cells[program][property]
			if cell == "" {
				cell = "–"
			} else if fact, ok := strings.CutPrefix(cell, notePrefix); ok {
				notes = append(notes, fact)
				cell = fmt.Sprintf("note %d", len(notes))
			}
			b.WriteString(" " + cell + " |")
		}
		b.WriteString("\n")
	}
	for i, note := range notes {
		fmt.Fprintf(&b, "\nNote %d: %s\n", i+1, note)
	}
	return b.String()
}

// The table is between these lines of the document.
const (
	tableBegin = "<!-- begin of what the suite printed -->\n"
	tableEnd   = "<!-- end of what the suite printed -->\n"
)

// publish prints the tables, and puts them into a document if all is well.
func (ts tables) publish(path string, passed bool) error {
	var b strings.Builder
	for _, tb := range ts {
		b.WriteString("\n" + tb.markdown())
	}
	fmt.Print(b.String(), "\n")
	if path == "" || !passed {
		return nil
	}
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(document, []byte(tableBegin))
	_, after, ok2 := bytes.Cut(rest, []byte(tableEnd))
	if !ok || !ok2 {
		return fmt.Errorf("%s: there is no place for the table", path)
	}
	document = slices.Concat(before, []byte(tableBegin), []byte(b.String()+"\n"), []byte(tableEnd), after)
	return os.WriteFile(path, document, 0o644)
}
