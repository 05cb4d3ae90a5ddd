// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// commands lists all commands below cmd that people use, but for those that cobra
// adds.
func commands(cmd *cobra.Command) (all []*cobra.Command) {
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() && child.Name() != "completion" && child.Name() != "help" {
			all = append(append(all, child), commands(child)...)
		}
	}
	return all
}

// TestHelpHasExamples ensures that whoever asks how a command is used is shown it.
func TestHelpHasExamples(t *testing.T) {
	t.Parallel()
	all := commands(newRootCommand())
	if len(all) < 10 {
		t.Fatalf("only %d commands", len(all))
	}
	for _, cmd := range all {
		if cmd.HasSubCommands() {
			continue
		}
		if !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("the help of %q has no example of it: %q", cmd.CommandPath(), cmd.Example)
		}
	}
}

// TestHelpFits ensures that the help of each command fits a terminal of 80 columns.
func TestHelpFits(t *testing.T) {
	t.Parallel()
	for _, cmd := range commands(newRootCommand()) {
		requireFits(t, mustRun(t, append(strings.Fields(cmd.CommandPath())[1:], "--help")...))
	}
}

// requireFits requires that no line is wider than a terminal.
func requireFits(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if width := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); width > helpColumns {
			t.Errorf("%d columns: %s", width, line)
		}
	}
}

// TestExitMeanings ensures that manual pages tell of exit statuses of commands that exist.
func TestExitMeanings(t *testing.T) {
	t.Parallel()
	for path, meanings := range exitMeanings {
		if cmd, _, err := newRootCommand().Find(strings.Fields(path)[1:]); err != nil || cmd.CommandPath() != path || len(meanings) == 0 {
			t.Errorf("%s: found %v, %v", path, cmd, err)
		}
	}
	for _, e := range slices.Concat(manFiles, manEnvironment) {
		for _, about := range e.commands {
			if cmd, _, err := newRootCommand().Find(strings.Fields(about)); err != nil || cmd.CommandPath() != "moonfirefs "+about {
				t.Errorf("%s: there is no command %s", e.name, about)
			}
		}
	}
}

// TestManualPages ensures that there is a page for each command, and that pages do
// not depend on the machine where they are made.
func TestManualPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	t.Setenv("TZ", "Asia/Kathmandu")
	mustRun(t, "man", dir)
	for _, cmd := range commands(newRootCommand()) {
		page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		if strings.Contains(string(page), "Kathmandu") {
			t.Errorf("the page of %q names this machine's time zone", cmd.CommandPath())
		}
		for _, section := range []string{"EXIT STATUS", "FILES", "ENVIRONMENT"} {
			if !strings.Contains(string(page), ".SH "+section+"\n.TP\n") {
				t.Errorf("the page of %q has no section %s", cmd.CommandPath(), section)
			}
		}
		if !strings.Contains(string(page), cmd.Short) {
			t.Errorf("the page of %q does not say what it does", cmd.CommandPath())
		}
	}
}
