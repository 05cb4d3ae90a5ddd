// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// terminal runs a command of the shell on a terminal on which somebody types.
func terminal(t *testing.T, command, typed string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "script", "--quiet", "--return", "--command", command, "/dev/null")
	cmd.Env = append(os.Environ(), beProgram+"=1")
	cmd.Stdin = strings.NewReader(typed)
	return cmd
}
