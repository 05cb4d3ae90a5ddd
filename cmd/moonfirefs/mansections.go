// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// This file has the sections of manual pages that no help text has.

// manEntry is something with its meaning. Commands are the paths of those that it is about;
// none means all that have the flag --store, which only a few have no use for.
type manEntry struct {
	name, meaning string
	commands      []string
}

// exitMeanings are what exit statuses mean to commands that give them a meaning of their own.
var exitMeanings = map[string]map[int]string{
	"moonfirefs status":      {exitOK: "There is no problem.", exitFailure: "There is a problem.", exitNoRecorder: "No recorder is running, or its status cannot be read."},
	"moonfirefs check":       {exitOK: "There are no findings.", exitFailure: "There are findings.", exitUnchecked: "The check failed."},
	"moonfirefs verify":      {exitOK: "The file is unchanged.", exitFailure: "The file does not fit its proof, or the proof does not hold.", exitUnchecked: "The file could not be verified."},
	"moonfirefs camera test": {exitOK: "All streams can be recorded.", exitFailure: "A stream cannot be recorded."},
}

var exitDefaults = map[int]string{
	exitOK: "Success.", exitFailure: "The command failed; the reason is on standard error.",
	exitUsage: "The command line is wrong, or it has to be confirmed.", exitInterrupted: "Somebody interrupted the command.",
}

// manFiles are the files that commands use.
var manFiles = []manEntry{
	{"/var/lib/moonfirefs", "The store, unless --store or $MOONFIREFS_STORE name another directory.", nil},
	{"STORE/moonfire.db", "The index: cameras, their passwords, and where each frame is.", nil},
	{"STORE/samples", "The footage, unless it is on other disks (moonfirefs dir list).", nil},
	{"STORE/status.sock", "The socket at which a running recorder tells its status.", []string{"run", "status", "camera list"}},
	{"STORE/proof", "The key that signs footage, and what it has signed.", []string{"init", "run", "proof"}},
	{"/mnt/nvr", "Where the service mounts the footage.", []string{"run"}},
	{"/etc/fuse.conf", "Must say user_allow_other before a user other than root can mount with --allow-other.", []string{"run", "mount"}},
}

// manEnvironment are the variables that commands read.
var manEnvironment = []manEntry{
	{"MOONFIREFS_STORE", "The directory of the store, if --store is not given.", nil},
	{passwordVariable, "The password of the camera.", []string{"camera add", "camera edit", "camera test"}},
	{"SUDO_USER", "Who is noted to have deleted footage, beside the user that runs the command.", []string{"delete"}},
	{"TZ", "The time zone that a new store has, if --time-zone is not given.", []string{"init", "demo"}},
	{"GOMEMLIMIT, GOGC", "Replace the limits that the program sets for its own memory.", []string{"run", "mount"}},
	{"NOTIFY_SOCKET, WATCHDOG_USEC", "Set by systemd, which is told that the recorder runs.", []string{"run"}},
}

// addManSections adds the sections to the pages in a directory, in front of SEE ALSO.
func addManSections(cmd *cobra.Command, dir string) error {
	for _, child := range cmd.Commands() {
		if err := addManSections(child, dir); err != nil {
			return err
		}
	}
	path := filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1")
	page, err := os.ReadFile(path)
	if os.IsNotExist(err) { // hidden commands have no page
		return nil
	}
	if err != nil {
		return fmt.Errorf("man: %w", err)
	}
	before, after, _ := bytes.Cut(page, []byte(".SH SEE ALSO"))
	text := string(before) + exitSection(cmd) + manSection("FILES", manFiles, cmd) + manSection("ENVIRONMENT", manEnvironment, cmd)
	if len(after) > 0 {
		text += ".SH SEE ALSO" + string(after)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("man: %w", err)
	}
	return nil
}

func exitSection(cmd *cobra.Command) string {
	var b strings.Builder
	b.WriteString(".SH EXIT STATUS\n")
	for _, status := range []int{exitOK, exitFailure, exitUsage, exitInterrupted} {
		meaning, ok := exitMeanings[cmd.CommandPath()][status]
		if !ok {
			meaning = exitDefaults[status]
		}
		b.WriteString(manItem(fmt.Sprint(status), meaning))
	}
	return b.String()
}

// manSection is a section of those entries that are about a command, empty if none is.
func manSection(title string, entries []manEntry, cmd *cobra.Command) string {
	var b strings.Builder
	for _, e := range entries {
		if e.isAbout(cmd) {
			b.WriteString(manItem(e.name, e.meaning))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return ".SH " + title + "\n" + b.String()
}

// isAbout tells whether an entry belongs on a command's page. All belong on the program's.
func (e manEntry) isAbout(cmd *cobra.Command) bool {
	if !cmd.HasParent() || e.commands == nil {
		return true
	}
	name := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
	for _, about := range e.commands {
		if name == about || strings.HasPrefix(name, about+" ") {
			return true
		}
	}
	return false
}

// manItem is an entry in the language of manual pages, in which a hyphen is not a minus.
func manItem(name, meaning string) string {
	return fmt.Sprintf(".TP\n\\fB%s\\fP\n%s\n", manText(name), manText(meaning))
}

func manText(text string) string { return strings.ReplaceAll(text, "--", `\-\-`) }
