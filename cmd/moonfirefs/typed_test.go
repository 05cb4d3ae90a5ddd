// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
)

// TestMistypedArguments ensures that what somebody types wrong is refused, with what
// would be right, and that nothing is changed by it.
func TestMistypedArguments(t *testing.T) {
	t.Parallel()
	path := newStore(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", "rtsp://192.0.2.1/", "--retain", "1GB")
	const units = "kB, MB, GB"
	tests := map[string]struct {
		args []string
		want []string
	}{
		"quota without a unit":         {[]string{"camera", "edit", "driveway", "--retain", "800"}, []string{"--retain 800", units}},
		"one with a fraction":          {[]string{"camera", "edit", "driveway", "--retain", "1.5"}, []string{"--retain 1.5", units}},
		"one of a sub stream":          {[]string{"camera", "edit", "driveway", "--sub", "rtsp://192.0.2.1/2", "--sub-retain", "20"}, []string{"--sub-retain 20", units}},
		"one of a new camera":          {[]string{"camera", "add", "garden", "rtsp://192.0.2.2/", "--no-test", "--retain", "800"}, []string{"--retain 800", units}},
		"cache without a unit":         {[]string{"mount", t.TempDir(), "--listing-cache", "16"}, []string{"--listing-cache 16", units}},
		"other cache without a unit":   {[]string{"mount", t.TempDir(), "--video-index-cache", "32"}, []string{"--video-index-cache 32", units}},
		"queue without a unit":         {[]string{"run", t.TempDir(), "--queue", "32"}, []string{"--queue 32", units}},
		"queue for less than a frame":  {[]string{"run", t.TempDir(), "--queue", "1B"}, []string{"--queue 1B", "32 KiB"}},
		"queue beyond all memory":      {[]string{"run", t.TempDir(), "--queue", "2TiB"}, []string{"--queue 2TiB", "1.0 TiB"}},
		"recordings that are too long": {[]string{"run", t.TempDir(), "--rotate-every", "10m"}, []string{"--rotate-every 10m:", "4m"}},
		"recordings of no length":      {[]string{"run", t.TempDir(), "--rotate-every", "0s"}, []string{"--rotate-every 0s", "1s"}},
		"negative pause":               {[]string{"run", t.TempDir(), "--hook-pause", "-1s"}, []string{"--hook-pause -1s", "1s"}},
		"list of a camera's":           {[]string{"keep", "--list", "driveway"}, []string{`unexpected argument "driveway"`, "keep {"}},
		"release of a camera's":        {[]string{"keep", "--release", "x", "driveway"}, []string{`unexpected argument "driveway"`}},
		"list of deletions":            {[]string{"delete", "--list", "driveway"}, []string{`unexpected argument "driveway"`}},
		"status of a camera":           {[]string{"status", "driveway"}, []string{`unexpected argument "driveway"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			requireOutput(t, exitUsage, test.want, append(test.args, "--store", path)...)
		})
	}
	if c := storedCamera(t, path); c.Streams[0].RetainBytes != 1e9 || len(c.Streams) != 1 {
		t.Errorf("stored %+v", c)
	}
}

// TestSizes ensures that every unit is understood that an error names.
func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"800GB": 800e9, "800 GB": 800e9, "800gb": 800e9, "800G": 800e9, "1.5TB": 15e11, "500MB": 5e8, "60kB": 6e4,
		"1KiB": 1 << 10, "1MiB": 1 << 20, "1GiB": 1 << 30, "1TiB": 1 << 40, "1,000kB": 1e6, "5B": 5,
	} {
		if got, err := parseSize("--retain", text, quotaBounds); err != nil || got != want {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"1,5TB", "0,5 TB", "1,5000GB", "1,000,5GB", "1.000,5GB"} {
		if got, err := parseSize("--retain", text, quotaBounds); err == nil || !strings.Contains(err.Error(), "comma") {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
	}
}

// TestTimesNotFlags ensures that a time in the past is not taken for a flag, nor the
// value of a flag for a time.
func TestTimesNotFlags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ args, want string }{
		{"keep driveway -10m now --name x", "keep driveway now-10m now --name x"},
		{"keep --name x driveway -1h30m -1.5h", "keep --name x driveway now-1h30m now-1.5h"},
		{"--store x keep --name -1h driveway -1h now", "--store x keep --name -1h driveway now-1h now"},
		{"export driveway -10m now -o -1s", "export driveway now-10m now -o -1s"},
		{"export --force -10m", "export --force now-10m"},
		{"export driveway --output=x -10m", "export driveway --output=x now-10m"},
		{"run /mnt --hook-pause -1s", "run /mnt --hook-pause -1s"},
		{"run /mnt --allow-other -1s", "run /mnt --allow-other now-1s"},
		{"keep -- driveway -10m now", "keep -- driveway now-10m now"},
	} {
		root := newRootCommand()
		if got := timesNotFlags(root, strings.Fields(test.args)); !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("%s: got %q", test.args, got)
		}
	}
}

// TestNobodyReads ensures that a command says nothing of a reader that has gone away, as
// head does, and still fails.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	path := newStore(t)
	reader, out, err := os.Pipe()
	mustDo(t, err)
	defer out.Close()
	mustDo(t, reader.Close())
	var problems strings.Builder
	if status := execute(t.Context(), []string{"list", "--store", path}, strings.NewReader(""), out, &problems); status != exitFailure || problems.Len() > 0 {
		t.Errorf("status %d, %q", status, &problems)
	}
	// Whatever else has lost its other end is told of.
	other := &fs.PathError{Op: "write", Path: "other", Err: syscall.EPIPE}
	if nobodyReads(other, out) || nobodyReads(errors.Join(other), out) || nobodyReads(syscall.EPIPE, &problems) {
		t.Error("another broken pipe is taken for that of the output")
	}
}

// TestStatusWithoutStore ensures that a folder that is not a store yet is told from a
// store without a recorder.
func TestStatusWithoutStore(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	requireOutput(t, exitNoRecorder, []string{"there is no store in " + empty, "moonfirefs init"}, "status", "--store", empty)
	requireOutput(t, exitNoRecorder, []string{"there is no store in "}, "status", "--store", filepath.Join(empty, "nowhere"))
	requireOutput(t, exitNoRecorder, []string{"no recorder is running"}, "status", "--store", newStore(t))
}

// TestEveryCommandSaysWhatIsUnexpected ensures that no command takes an argument that it
// does not know for a command.
func TestEveryCommandSaysWhatIsUnexpected(t *testing.T) {
	t.Parallel()
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, child := range cmd.Commands() {
			visit(child)
		}
		if cmd.Args == nil || cmd.HasSubCommands() {
			return
		}
		if err := cmd.Args(cmd, []string{"a", "b", "c", "d"}); err != nil && strings.Contains(err.Error(), "unknown command") {
			t.Errorf("%s: %v", cmd.CommandPath(), err)
		}
	}
	visit(newRootCommand())
}
