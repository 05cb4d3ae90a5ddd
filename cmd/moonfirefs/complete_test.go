// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// complete returns what the shell would offer behind the words, without
// descriptions, and what it would do with it.
func complete(t *testing.T, words ...string) (offered []string, directive string) {
	t.Helper()
	output := mustRun(t, append([]string{"__complete"}, words...)...)
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, ":"):
			return offered, strings.TrimPrefix(line, ":")
		default:
			name, _, _ := strings.Cut(line, "\t")
			offered = append(offered, name)
		}
	}
	t.Fatalf("completing %q printed %q", words, output)
	return nil, ""
}

// TestCompletion ensures that the shell offers the names that are in the store, where
// they are asked for and nowhere else.
func TestCompletion(t *testing.T) {
	t.Parallel()
	path := longStore(t, 1, smallFootage(t, 160))
	mustRun(t, "camera", "add", "--store", path, "--no-test", "garden", "rtsp://192.0.2.1/1", "--retain", "1GB",
		"--sub", "rtsp://192.0.2.1/2", "--sub-retain", "1GB", "--description", "behind the house")
	mustRun(t, "keep", "--store", path, "yard", "2026-11-22 12:30", "12:40", "--name", "burglary")
	for _, test := range []struct {
		words []string
		want  []string
	}{
		{[]string{"camera", "edit", ""}, []string{"garden", "yard"}},
		{[]string{"camera", "remove", "GA"}, []string{"garden"}},
		{[]string{"camera", "test", ""}, []string{"garden", "yard"}},
		{[]string{"camera", "test", "yard", ""}, nil},
		{[]string{"list", ""}, []string{"garden", "garden-sub", "yard"}},
		{[]string{"export", "g"}, []string{"garden", "garden-sub"}},
		{[]string{"keep", ""}, []string{"garden", "garden-sub", "yard"}},
		{[]string{"delete", "yard", ""}, nil},
		{[]string{"keep", "--release", ""}, []string{"burglary"}},
		{[]string{"camera", "edit", "garden", "--transport", ""}, []string{"tcp", "udp"}},
		{[]string{"camera", "edit", "garden", "--dir", ""}, []string{"samples"}},
		{[]string{"camera", "add", ""}, nil},
	} {
		offered, directive := complete(t, append([]string{test.words[0], "--store", path}, test.words[1:]...)...)
		slices.Sort(offered)
		if !slices.Equal(offered, test.want) || directive != "4" { // no names of files
			t.Errorf("behind %q, %q is offered, and %s; want %q", test.words, offered, directive, test.want)
		}
	}
	if offered, directive := complete(t, "list", "--store", filepath.Join(path, "none"), ""); len(offered) > 0 || directive != "4" {
		t.Errorf("without a store, %q is offered, and %s", offered, directive)
	}
	if offered, directive := complete(t, "camera", "list", "--store", ""); len(offered) > 0 || directive != "16" { // directories
		t.Errorf("for a store, %q is offered, and %s", offered, directive)
	}
}

// TestCompletionScripts ensures that there is a script for each shell that has a
// package's completions.
func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if script := mustRun(t, "completion", shell); !strings.Contains(script, cobra.ShellCompRequestCmd) {
			t.Errorf("the script for %s is %q", shell, script)
		}
	}
}
