// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		if !strings.Contains(string(page), cmd.Short) {
			t.Errorf("the page of %q does not say what it does", cmd.CommandPath())
		}
	}
}
