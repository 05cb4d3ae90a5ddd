// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/moonfirefs/moonfirefs/internal/test/nvrstore"
)

// TestMistypedSecrets gives every command an address with secrets where it takes arguments or a
// value of a flag, also where no address belongs, and ensures that what it answers has none of
// the secrets.
func TestMistypedSecrets(t *testing.T) {
	t.Parallel()
	existing, missing := newStore(t), filepath.Join(t.TempDir(), "store")
	cases := []struct{ address, store string }{
		{withCredentials("rtsp://127.0.0.1:1/s"), existing},
		{withCredentials("rtsp://127.0.0.1:1/s"), missing},
		{"rtsp://" + plantedUser + ":" + plantedPassword + "@127.0.0.1:1/s", missing}, // nothing escaped
		{"https://" + plantedUser + ":XPASSX@127.0.0.1:1/bucket/prefix?token=XTOKENX", existing},
	}
	for _, command := range leaves(newRootCommand()) {
		path := strings.Fields(command.CommandPath())[1:]
		for _, c := range cases {
			if _, ok := command.Annotations["serves"]; ok && c.store == existing {
				continue // it would begin
			}
			var lines [][]string
			for n := 1; n <= 3; n++ {
				lines = append(lines, slices.Repeat([]string{c.address}, n))
			}
			command.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if f.Value.Type() != "bool" {
					lines = append(lines, []string{"driveway", "--" + f.Name, c.address}, []string{"--" + f.Name + "=" + c.address})
				}
			})
			for _, line := range lines {
				args := slices.Concat(path, line, []string{"--store", c.store, "--log-level", "debug"})
				if output, _ := run(t, args...); leaks(output) != "" {
					t.Errorf("moonfirefs %s printed %q", args, leaks(output))
				}
			}
		}
	}
	// What takes a path has not taken an address for one.
	for _, scheme := range []string{"rtsp:", "https:"} {
		if _, err := os.Lstat(scheme); err == nil {
			t.Errorf("a command has made %s", scheme)
			mustDo(t, os.RemoveAll(scheme))
		}
	}
}

// leaves are the commands below one that have none below them, but for those that act on
// anything: they look for cameras, play one, or write to any path.
func leaves(command *cobra.Command) (all []*cobra.Command) {
	if slices.Contains([]string{"discover", "demo", "test-camera", "man", "help", "completion"}, command.Name()) {
		return nil
	}
	if !command.HasSubCommands() {
		return []*cobra.Command{command}
	}
	for _, below := range command.Commands() {
		all = append(all, leaves(below)...)
	}
	return all
}

// TestStoredSecrets ensures that no command prints what is secret in addresses of the store,
// but for "apply --print --whole-addresses", which is for that; and that a file which "apply
// --print" has printed changes nothing.
func TestStoredSecrets(t *testing.T) {
	t.Parallel()
	path, folder := newStore(t), t.TempDir()
	address := "rtsp://127.0.0.1:1/user=XUSERX&password=XPASSX/s?key=XTOKENX"
	const fingerprint = "#certificate=roots"
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", address, "--retain", "1GB",
		"--sub", strings.Replace(address, "rtsp:", "rtsps:", 1)+fingerprint, "--sub-retain", "1GB")
	quiet := func(args ...string) string {
		t.Helper()
		output, _ := run(t, append(args, "--store", path, "--log-level", "debug")...)
		if leak := leaks(output); leak != "" {
			t.Errorf("moonfirefs %s printed %q", args, leak)
		}
		return output
	}
	file := filepath.Join(folder, "cameras.toml")
	apply := func(text string, want string) {
		t.Helper()
		mustDo(t, os.WriteFile(file, []byte(text), 0o600))
		if output := quiet("apply", file); !strings.Contains(output, want) {
			t.Errorf("got %s, want %s", output, want)
		}
	}
	printed := quiet("apply", "--print")
	if !strings.Contains(printed, "key=***"+fingerprint) || !strings.Contains(printed, "--whole-addresses") {
		t.Errorf("printed %s", printed)
	}
	apply(printed, "Nothing to change.")
	whole := mustRun(t, "apply", "--print", "--whole-addresses", "--store", path)
	if !strings.Contains(whole, address+"'") || strings.Contains(whole, "***") {
		t.Errorf("printed %s", whole)
	}
	apply(whole, "Nothing to change.")
	apply(strings.ReplaceAll(printed, "127.0.0.1", "127.0.0.2"), "write all of the new address")
	apply(strings.ReplaceAll(printed, "cameras.driveway", "cameras.garden"), "write all of the new address")
	apply(strings.ReplaceAll(whole, "127.0.0.1", "127.0.0.2"), "key=*** → rtsp://127.0.0.2:1/")
	apply(whole, "key=*** → rtsp://127.0.0.1:1/")
	apply(strings.ReplaceAll(whole, "XTOKENX", "otherXTOKENX"), "with other values")

	for _, args := range [][]string{
		{"camera", "list"}, {"camera", "list", "--json"}, {"camera", "test", "driveway"}, {"camera", "test", "driveway", "--json"},
		{"camera", "add", "driveway", address, "--retain", "1GB"}, {"camera", "edit", "driveway", "--url", address, "--retain", "10kB"},
		{"dir", "list"}, {"dir", "list", "--json"}, {"dir", "remove", "driveway"}, {"status"}, {"status", "--json"}, {"list"}, {"list", "--json"},
		{"check", "--hash"}, {"check", "--json"}, {"keep", "--list"}, {"event", "list"}, {"delete", "--list"}, {"tier", "list"},
		{"export", "driveway", "now-1h", "now"}, {"list", "--activity"}, {"repair", "recount"}, {"proof", "status"},
		{"backup", filepath.Join(folder, "copy.db")}, {"__complete", "camera", "edit", ""}, {"__complete", "camera", "test", ""},
		{"camera", "remove", "driveway"}, {"camera", "list"},
	} {
		quiet(args...)
	}
}

// TestImportedSecrets ensures that nothing is printed of the addresses and passwords of another
// recorder's cameras.
func TestImportedSecrets(t *testing.T) {
	t.Parallel()
	theirs := nvrstore.New(t, 7, 1)
	theirs.AddCamera("driveway", 0, "main")
	theirs.Exec(`update camera set config = json_set(config, '$.username', 'XUSERX', '$.password', 'XPASSX')`)
	theirs.Exec(`update stream set config = json_set(config, '$.url', 'rtsp://XUSERX:XPASSX@192.0.2.1/s?key=XTOKENX')`)
	theirs.Stop()
	path := newStore(t)
	for _, args := range [][]string{
		{"import", "moonfire-nvr", theirs.Path, "--store", path, "--log-level", "debug", "--moonfire-cache", t.TempDir()}, {"camera", "list", "--store", path},
		{"apply", "--print", "--store", path},
	} {
		output, _ := run(t, args...)
		// The name of a user is part of the file of apply.
		if args[0] == "apply" {
			output = strings.Replace(output, "username = 'XUSERX'", "", 1)
		}
		if leak := leaks(output); leak != "" {
			t.Errorf("moonfirefs %s printed %q", args, leak)
		}
	}
}
