// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

const examples = "../../examples"

// TestBackupResult ensures that a backup that fails shows in the status, with the reason, and
// no longer once one has succeeded.
func TestBackupResult(t *testing.T) {
	t.Parallel()
	path, mountpoint, copies := newStore(t), newMountpoint(t), filepath.Join(t.TempDir(), "copies")
	recorder := start(t, "run", mountpoint, "--store", path)
	recorder.saw("msg=recording")
	wait.Until(t, "the mount", func() bool { _, err := os.Stat(filepath.Join(mountpoint, "index.json")); return err == nil })

	nowhere := "there is no folder " + copies + ": is its disk mounted?"
	if output, status := backUp(t, path, mountpoint, copies); status != 1 || !strings.Contains(output, nowhere) {
		t.Errorf("to nowhere: status %d: %s", status, output)
	}
	awaitStatus(t, path, exitFailure, "failed: "+nowhere, "None has succeeded before.")
	mustDo(t, os.Mkdir(copies, 0o700))
	if output, status := backUp(t, path, mountpoint, copies); status != 0 || output != "" {
		t.Errorf("status %d: %s", status, output)
	}
	awaitStatus(t, path, exitOK, "OK", "Last backup ")
	mustDo(t, syscall.Mount("copies", copies, "tmpfs", syscall.MS_RDONLY, ""))
	output, status := backUp(t, path, mountpoint, copies)
	mustDo(t, syscall.Unmount(copies, syscall.MNT_DETACH))
	if status == 0 || !strings.Contains(output, "may not write to "+copies) {
		t.Errorf("to a disk that is read-only: status %d: %s", status, output)
	}
	awaitStatus(t, path, exitFailure, "The backup of ", "The last one that succeeded was")
	recorder.stop()
}

// backUp runs the script of the examples.
func backUp(t *testing.T, path, mountpoint, copies string) (output string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(examples, "moonfirefs-backup"), mountpoint, copies)
	cmd.Env = append(os.Environ(), "MOONFIREFS_STORE="+path)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// awaitStatus waits until the status has texts in it.
func awaitStatus(t *testing.T, path string, want int, texts ...string) {
	t.Helper()
	wait.Until(t, "the status to tell "+strings.Join(texts, ", "), func() bool {
		output, status := run(t, "status", "--store", path)
		for _, text := range texts {
			if !strings.Contains(output, text) {
				return false
			}
		}
		return status == want
	})
}

// TestBackupUnitThatDoesNotStart ensures that the unit of the examples tells where the script
// could not.
func TestBackupUnitThatDoesNotStart(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(examples, "moonfirefs-backup.service"))
	mustDo(t, err)
	_, command, found := strings.Cut(strings.ReplaceAll(string(text), "\\\n", ""), "ExecStopPost=/bin/sh -c '")
	command, _, ends := strings.Cut(command, "'\n")
	if !found || !ends {
		t.Fatalf("there is no command in %s", text)
	}
	failed := filepath.Join(t.TempDir(), "backup.failed")
	command = strings.ReplaceAll(strings.ReplaceAll(command, "$$", "$"), "/var/lib/moonfirefs/backup.failed", failed)
	for result, tells := range map[string]bool{
		"success 0": false, "exit-code 1": false, "exit-code 23": false, "exit-code 130": false,
		"exit-code 203": true, "signal KILL": true, "timeout TERM": true, "oom-kill KILL": true,
	} {
		kind, status, _ := strings.Cut(result, " ")
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", command)
		cmd.Env = append(os.Environ(), "SERVICE_RESULT="+kind, "EXIT_STATUS="+status)
		if output, err := cmd.CombinedOutput(); err != nil || len(output) > 0 {
			t.Errorf("%s: %v: %s", result, err, output)
		}
		line, err := os.ReadFile(failed)
		if told := err == nil; told != tells || told && !strings.Contains(string(line), kind) {
			t.Errorf("%s: it tells %q", result, line)
		}
		_ = os.Remove(failed) // it may not be there
	}
}
