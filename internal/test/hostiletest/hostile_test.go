// SPDX-License-Identifier: GPL-3.0-or-later

package hostiletest

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var background = context.Background()

// expectation is what is said of a change.
type expectation struct {
	// unopened says that no command can be expected to get anywhere.
	unopened bool
	// check is in what check prints; "" if it must find nothing.
	check string
	// damaged are the files of the driveway that cannot be read.
	damaged []string
	// missing says that the driveway need not be there.
	missing bool
}

// change is one that is made to the scene.
type change struct {
	make func(t testing.TB, s *scene)
	want expectation
}

// golden is the reference, which the test fills in first.
var golden = sync.OnceValue(func() *reference { return new(reference) })

// TestHostileStores hands each command that reads a store that is not as a recorder has
// left it.
func TestHostileStores(t *testing.T) {
	original := newScene(t)
	m, ok := original.mount(t)
	if !ok {
		t.Fatal("the good store cannot be mounted")
	}
	*golden() = original.take(t, m)
	m.stop()
	if output, status := original.run(t, "check", "--hash"); status != 0 {
		t.Fatalf("the good store: %s", output)
	}
	unknown := maps.Clone(oneOfEachKind)
	for _, table := range []map[string]change{rowChanges, nameChanges, crowds, fileChanges} {
		for name, c := range table {
			delete(unknown, name)
			if !*full && !oneOfEachKind[name] {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newScene(t)
				c.make(t, s)
				s.examine(t, &c.want)
			})
		}
	}
	if len(unknown) > 0 {
		t.Errorf("there are no such changes: %v", unknown)
	}
}

// oneOfEachKind are the changes that are tried without -full.
var oneOfEachKind = map[string]bool{
	"a camera called two lines": true, "described as a terminal": true, "a camera called a path": true,
	"the last start": true, "durations that overflow": true, "indexes of 50 MB": true, "a configuration of 100 MB": true,
	"a start that is text": true, "a trigger of a wildcard": true, "100 000 scattered marks": true,
	"a FIFO for meta": true, "a FIFO for a sample file": true, "a terabyte for a sample file": true,
}

// examine runs all commands that read, and looks at what they make of a store.
func (s *scene) examine(t *testing.T, want *expectation) {
	for _, args := range [][]string{{"check"}, {"check", "--hash"}} {
		output, status := s.run(t, args...)
		switch {
		case want.check == "" && status != 0:
			t.Errorf("%q: status %d: %.1000s", args, status, output)
		case want.check != "" && (status == 0 || !strings.Contains(output, want.check)):
			t.Errorf("%q: status %d, want %q in it: %.1000s", args, status, want.check, output)
		}
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	export := filepath.Join(t.TempDir(), "export.mp4")
	for _, args := range [][]string{
		{"list"}, {"list", "--json"}, {"list", driveway}, {"list", driveway, "--json"}, {"camera", "list"}, {"dir", "list"}, {"status"},
		{"status", "--json"}, {"keep", "--list"}, {"keep", "--list", "--json"}, {"delete", "--list"}, {"backup", backup},
		{"export", driveway, day + "T12:00:00", day + "T14:59:00", "-o", export}, {"__complete", "list", ""}, {"__complete", "keep", "--release", ""},
	} {
		s.run(t, args...)
	}
	m, ok := s.mount(t)
	if !ok {
		if !want.unopened {
			t.Error("it cannot be mounted")
		}
		return
	}
	s.examineMount(t, m, want)
	m.stop()
}

func (s *scene) examineMount(t *testing.T, m *mount, want *expectation) {
	t.Helper()
	names, unreadable := m.readAll("")
	var broken []string
	for name, err := range unreadable {
		if rest, ok := strings.CutPrefix(name, driveway+"/"+day+"/"); ok {
			broken = append(broken, rest)
		} else if !strings.HasPrefix(name, driveway) && !strings.HasPrefix(name, "saved/burglary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	slices.Sort(broken)
	if !want.missing && !slices.Equal(broken, want.damaged) {
		t.Errorf("of the driveway, %q cannot be read, want %q", broken, want.damaged)
	}
	for _, name := range []string{"index.html", "index.json", "saved", garden + "/index.html", garden + "/index.json"} {
		if !slices.Contains(names, name) {
			t.Errorf("there is no %s", name)
		}
	}
	for _, name := range []string{"12.mp4", "13.mp4", "14.mp4"} {
		if !want.missing && !slices.Contains(names, driveway+"/"+day+"/"+name) {
			t.Errorf("%s is not listed", name)
		}
	}
	for _, name := range names {
		if filepath.Base(name) == "index.html" || filepath.Base(name) == "index.json" {
			data, err := os.ReadFile(filepath.Join(m.path, name))
			if problem := unprintable(string(data)); err != nil || problem != "" {
				t.Errorf("%s has %s (%v)", name, problem, err)
			}
		}
	}
	got, good := s.take(t, m), golden()
	equalFiles(t, "list garden", got.list, good.list)
	equalFiles(t, "list garden --json", got.json, good.json)
	equalFiles(t, "the export of the garden", got.clip, good.clip)
	for name, data := range good.files {
		equalFiles(t, name, got.files[name], data)
	}
}
