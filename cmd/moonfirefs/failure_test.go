// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestErrorText ensures that a person is told what is wrong, without the word by which
// programs tell errors apart.
func TestErrorText(t *testing.T) {
	t.Parallel()
	missing := fmt.Errorf("there is no camera x: %w", moonfirefs.ErrNotFound)
	for _, test := range []struct {
		err  error
		want string
	}{
		{missing, "there is no camera x"},
		{fmt.Errorf("%w (see: moonfirefs camera list)", missing), "there is no camera x (see: moonfirefs camera list)"},
		{&usageError{fmt.Errorf("no time: %w", moonfirefs.ErrInvalid)}, "no time (see --help)"},
		{fmt.Errorf("read recording 77: %w", moonfirefs.ErrNotFound), "read recording 77: not found"},
		{errors.Join(missing, fmt.Errorf("y: %w", moonfirefs.ErrExists)), "there is no camera x\ny"},
		{fmt.Errorf("read x: %w", syscall.EINVAL), "read x: invalid argument"},
		{errors.New("404: not found"), "404: not found"},
		{fmt.Errorf("a store: %w", moonfirefs.ErrStoreLocked), "a store: store is in use"},
		{context.Canceled, "context canceled"},
	} {
		if got := errorText(t.Context(), test.err); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

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
