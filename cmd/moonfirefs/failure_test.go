// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestInterruptedQuestion ensures that Ctrl-C ends a command that waits for an answer, at
// once, and that nothing was done.
func TestInterruptedQuestion(t *testing.T) {
	t.Parallel()
	existing, fresh := longStore(t, 1, smallFootage(t, 160)), filepath.Join(t.TempDir(), "store")
	for name, test := range map[string]struct{ command, question string }{
		"confirmation": {"delete --store " + existing + " yard 2026-11-22T12:00 12:10", "[y/N]"},
		"set-up":       {"init", "Directory for the index"},
		"password":     {"camera add --store " + existing + " x rtsp://192.0.2.1/ --retain 1GB --username u", "Password of u"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := &syncbuffer.Buffer{}
			cmd := exec.CommandContext(t.Context(), "script", "--quiet", "--return", "--command", os.Args[0]+" "+test.command, "/dev/null")
			cmd.Env = append(os.Environ(), beProgram+"=1", "MOONFIREFS_STORE="+fresh)
			cmd.Stdout = out
			typing, err := cmd.StdinPipe()
			mustDo(t, err)
			mustDo(t, cmd.Start())
			wait.Until(t, "the question", func() bool { return strings.Contains(out.String(), test.question) })
			_, err = typing.Write([]byte{3}) // Ctrl-C
			mustDo(t, err)
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted || !strings.Contains(out.String(), "moonfirefs: interrupted") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	t.Cleanup(func() {
		if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("there is a store: %v", err)
		}
	})
}
