// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInitAsks ensures that, on a terminal, init asks for what is not given, takes
// empty answers for the defaults, and explains what a quota is good for.
func TestInitAsks(t *testing.T) {
	t.Parallel()
	path, samples := filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "samples")
	cmd := terminal(t, os.Args[0]+" init --time-zone Europe/Zurich", path+"\n"+samples+"\n")
	out, err := cmd.CombinedOutput()
	text := string(out)
	if err != nil || strings.Contains(text, "Time zone for dates") {
		t.Errorf("%v: %s", err, text)
	}
	for _, want := range []string{"Created a store in " + path + ", time zone Europe/Zurich", "4 Mbit/s:   43 GB a day", "Next: moonfirefs camera add"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	requireOutput(t, exitOK, []string{samples}, "dir", "list", "--store", path)

	second := filepath.Join(t.TempDir(), "store")
	out, err = terminal(t, os.Args[0]+" init --store "+second, "\n\n").CombinedOutput()
	if _, statErr := os.Stat(filepath.Join(second, "samples")); err != nil || statErr != nil || !strings.Contains(string(out), "time zone "+machineZone()) {
		t.Errorf("%v, %v: %s", err, statErr, out)
	}
	third := filepath.Join(t.TempDir(), "store")
	out, err = terminal(t, os.Args[0]+" init --store "+third, "\nMars/Olympus\n").CombinedOutput()
	if _, statErr := os.Stat(third); err == nil || statErr == nil || !strings.Contains(string(out), "not known") {
		t.Errorf("%v, %v: %s", err, statErr, out)
	}
}

// TestInitWithoutKey ensures that nothing is left of a store for which no key can be made, so
// that the command can be repeated, and that what was there before stays.
func TestInitWithoutKey(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	stray := filepath.Join(path, "proof")
	mustDo(t, os.WriteFile(stray, []byte("mine"), 0o600))
	requireOutput(t, exitFailure, []string{"proof"}, "init", "--store", path)
	if names := fileNames(t, path); len(names) != 1 {
		t.Errorf("left are %q", names)
	}
	mustDo(t, os.Remove(stray))
	requireOutput(t, exitOK, []string{"The public key"}, "init", "--store", path)
}
