// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"bytes"
	"debug/elf"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	section = regexp.MustCompile(`^## § (\w+)\n`)
	item    = regexp.MustCompile(`(?m)^(\d+)\. `)
	call    = regexp.MustCompile(`failpoint\.(Step|Do)\("([^"]+)"`)
)

// lifecycleSteps lists the numbered steps of the lifecycle, as "create.3".
func lifecycleSteps(t *testing.T) (steps []string) {
	t.Helper()
	text, err := os.ReadFile("../../../design/lifecycle.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(text), "\n## ") {
		name := section.FindStringSubmatch("## " + part)
		if i == 0 || name == nil {
			continue
		}
		for _, number := range item.FindAllStringSubmatch(part, -1) {
			steps = append(steps, strings.ToLower(name[1])+"."+number[1])
		}
	}
	return steps
}

// extraSteps are points in the code that the lifecycle does not number.
var extraSteps = []string{"commit", "look-again"}

// importStep is reached by imports alone (TestKilledImport).
const importStep = "copy.sync"

// stepsInCode maps the names of the steps in the code to "Step" or "Do".
func stepsInCode(t *testing.T) map[string]string {
	t.Helper()
	steps := make(map[string]string)
	for _, folder := range []string{"index", "recorder", "sample", "internal/store"} {
		paths, err := filepath.Glob("../../../" + folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			code, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range call.FindAllStringSubmatch(string(code), -1) {
				if match[2] != importStep {
					steps[match[2]] = match[1]
				}
			}
		}
	}
	return steps
}

// failableSteps lists the steps that can report an error, sorted.
func failableSteps(t *testing.T) (steps []string) {
	t.Helper()
	for name, kind := range stepsInCode(t) {
		if kind == "Step" && name != "look-again" { // which is not reached without another error
			steps = append(steps, name)
		}
	}
	slices.Sort(steps)
	return steps
}

// TestEachStepHasFailpoints ensures that the code performs each numbered step of
// the lifecycle where it can be broken, that it has no other failpoints than the
// known ones, and that design/faults.md lists them.
func TestEachStepHasFailpoints(t *testing.T) {
	inCode := stepsInCode(t)
	want := append(lifecycleSteps(t), extraSteps...)
	faults, err := os.ReadFile("../../../design/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range want {
		if inCode[step] == "" {
			t.Errorf("step %s is not in the code", step)
		}
		if !bytes.Contains(faults, []byte("`"+step+"`")) {
			t.Errorf("step %s is not in design/faults.md", step)
		}
	}
	for step := range inCode {
		if !slices.Contains(want, step) {
			t.Errorf("step %s of the code is not in design/lifecycle.md", step)
		}
	}
}

// TestNormalBuildHasNoFailpoints ensures that failpoints cost nothing where they
// are not wanted: the program has none of their code, and not even their names.
func TestNormalBuildHasNoFailpoints(t *testing.T) {
	t.Parallel()
	normal := filepath.Join(t.TempDir(), "moonfirefs")
	if err := buildProgram(normal); err != nil {
		t.Fatal(err)
	}
	broken, err := programPath()
	if err != nil {
		t.Fatal(err)
	}
	for path, has := range map[string]bool{normal: false, broken: true} {
		code, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range append(slices.Collect(maps.Keys(stepsInCode(t))), "unlink-before-commit", "synchronous-normal", "end-without-limit") {
			// Such words as "commit" have other uses.
			if strings.ContainsAny(text, ".-") && bytes.Contains(code, []byte(text)) != has {
				t.Errorf("with failpoints %v: the program contains %q: %v", has, text, !has)
			}
		}
		if got := hasSymbol(t, path, "internal/failpoint.Step"); got != has {
			t.Errorf("with failpoints %v: the program contains failpoint.Step: %v", has, got)
		}
	}
}

// hasSymbol tells whether an executable has a function or a variable whose name
// ends like this.
func hasSymbol(t *testing.T, path, suffix string) bool {
	t.Helper()
	program, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	symbols, err := program.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(symbols, func(s elf.Symbol) bool { return strings.HasSuffix(s.Name, suffix) })
}
