// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestInterruptedQuestion ensures that Ctrl-C ends each command that waits for an answer, at
// once and in one way, that the terminal shows what is typed again, and that nothing was done.
func TestInterruptedQuestion(t *testing.T) {
	t.Parallel()
	existing, fresh := longStore(t, 1, smallFootage(t, 160)), filepath.Join(t.TempDir(), "store")
	cameras := filepath.Join(t.TempDir(), "cameras.toml")
	mustDo(t, os.WriteFile(cameras, nil, 0o600))
	before := dump(t, existing)
	t.Run("all", func(t *testing.T) { interruptQuestions(t, existing, fresh, cameras) })
	if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a store: %v", err)
	}
	if after := dump(t, existing); after != before {
		t.Errorf("the index says\n%s\nand did say\n%s", after, before)
	}
}

func interruptQuestions(t *testing.T, existing, fresh, cameras string) {
	t.Helper()
	for name, test := range map[string]struct{ command, question string }{
		"deletion":       {"delete yard 2026-11-22T12:30 12:40", "[y/N]"},
		"lower quota":    {"camera edit yard --retain 300kB", "[y/N]"},
		"shorter limit":  {"camera edit yard --retain-for 1h", "[y/N]"},
		"removal":        {"camera remove yard --delete-footage", "[y/N]"},
		"file":           {"apply " + cameras, "[y/N]"},
		"set-up":         {"init --store " + fresh, "Directory for the index"},
		"password":       {"camera add x rtsp://192.0.2.1/ --retain 1GB --username u", "Password of u"},
		"other password": {"camera edit yard --username u", "Password of u"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := test.command
			if !strings.Contains(command, "--store") {
				command += " --store " + existing
			}
			if name == "set-up" {
				command = "init"
			}
			output := interrupt(t, command, test.question, "MOONFIREFS_STORE="+fresh)
			if !strings.Contains(output, "moonfirefs: interrupted") || !strings.Contains(output, "STATUS 130") || !strings.Contains(output, " echo ") {
				t.Errorf("%s", output)
			}
		})
	}
}

// dump is what a store's index says of cameras, and of what is kept and deleted.
func dump(t *testing.T, path string) string {
	t.Helper()
	return tool(t, "sqlite3", filepath.Join(path, "moonfire.db"), "select * from camera", "select * from stream", "select * from kept", "select * from deletion")
}

// interrupt runs the program on a terminal, presses Ctrl-C once it has printed a text, and
// returns what it printed, its exit status and the state of the terminal.
func interrupt(t *testing.T, command, text string, variables ...string) (output string) {
	t.Helper()
	out := &syncbuffer.Buffer{}
	// The shell goes on: of itself, it would end with the command.
	script := "trap : INT; " + os.Args[0] + " " + command + "; echo STATUS $?; stty -a"
	cmd := exec.Command("script", "--quiet", "--return", "--command", script, "/dev/null")
	cmd.Env = append(append(os.Environ(), beProgram+"=1"), variables...)
	cmd.Stdout = out
	typing, err := cmd.StdinPipe()
	mustDo(t, err)
	mustDo(t, cmd.Start())
	wait.Until(t, "moonfirefs "+command+" to print "+text, func() bool {
		return strings.Contains(out.String(), text) || strings.Contains(out.String(), "STATUS")
	})
	_, _ = typing.Write([]byte{3}) // Ctrl-C; it may have ended
	wait.Until(t, "moonfirefs "+command+" to end", func() bool { return strings.Contains(out.String(), "STATUS") })
	_ = cmd.Wait() // the status of the shell says nothing
	return out.String()
}

// TestInterruptedCommand ensures that Ctrl-C ends each command that lasts, in one way, and that
// nothing half made is left. Those that record or mount until they are interrupted end in order.
func TestInterruptedCommand(t *testing.T) {
	t.Parallel()
	media := teststore.MadeUp(teststore.Params{Codec: teststore.H264, Width: 1280, Height: 720, FPS: 15, Seconds: 60}, 1200)
	path, made := longStore(t, 2, media), t.TempDir()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // a camera that says nothing
	mustDo(t, err)
	defer silent.Close()
	url := "rtsp://" + silent.Addr().String() + "/"
	store := " --store " + path
	t.Run("all", func(t *testing.T) {
		for name, test := range map[string]struct {
			command, text string
			status        string
		}{
			"export":      {"export yard 2026-11-22T12:00 14:00 --progress -o " + made + "/export.mp4" + store, "exporting", "130"},
			"backup":      {"backup --progress " + made + "/backup.db" + store, "copying", "130"},
			"check":       {"check --hash --progress" + store, "checking", "130"},
			"new camera":  {"camera add x " + url + " --retain 1GB" + store, "Testing", "130"},
			"camera test": {"camera test " + url + store, "Testing", "130"},
			"discover":    {"camera discover" + store, "Searching", "130"},
			"test camera": {"test-camera --listen 127.0.0.1:0", "plays at", "0"},
			"mount":       {"mount " + newMountpoint(t) + store, "msg=mounted", "0"},
			"demo":        {"demo " + filepath.Join(t.TempDir(), "demo"), "In another terminal", "0"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				output := interrupt(t, test.command, test.text)
				if test.status == "130" && !strings.Contains(output, "interrupted") && strings.Contains(output, "STATUS 0") {
					t.Log("it was done before the key was pressed")
					return
				}
				if !strings.Contains(output, "STATUS "+test.status) || !strings.Contains(output, " echo ") {
					t.Errorf("%s", output)
				}
				if test.status == "130" && !strings.Contains(output, "moonfirefs: interrupted") {
					t.Errorf("it is not told in the usual way: %s", output)
				}
				if left, err := filepath.Glob(filepath.Join(made, "*"+name+"*")); err != nil || len(left) > 0 {
					t.Errorf("%q are left: %s", left, output)
				}
			})
		}
	})
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", path)
}

// TestInterruptedWhereNobodyReads ensures that a command ends although nobody reads what it
// prints.
func TestInterruptedWhereNobodyReads(t *testing.T) {
	t.Parallel()
	path := longStore(t, 3, smallFootage(t, 160))
	reader, writer, err := os.Pipe()
	mustDo(t, err)
	defer reader.Close()
	cmd := exec.Command(os.Args[0], "export", "yard", "2026-11-22T12:00", "15:00", "-o", "-", "--store", path)
	complaints := &syncbuffer.Buffer{}
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), beProgram+"=1"), writer, complaints
	mustDo(t, cmd.Start(), writer.Close())
	first := make([]byte, 1)
	_, err = reader.Read(first) // it writes, and waits for more to be read
	mustDo(t, err)
	mustDo(t, cmd.Process.Signal(os.Interrupt))
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted || complaints.String() != "moonfirefs: interrupted\n" {
		t.Errorf("%v: %s", err, complaints)
	}
}
