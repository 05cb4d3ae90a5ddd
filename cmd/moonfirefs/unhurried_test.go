// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestNobodyTakesTheLog ensures that a recorder whose log goes to a full pipe records, notices
// what the owner changes, and ends in order when it is asked to.
func TestNobodyTakesTheLog(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path, mountpoint := newStore(t), newMountpoint(t)
	reader, writer, err := os.Pipe()
	mustDo(t, err)
	defer reader.Close()
	fill(t, writer)
	cmd := exec.Command(os.Args[0], "run", mountpoint, "--store", path, "--rotate-every", "1s")
	cmd.Env = append(os.Environ(), beProgram+"=1")
	cmd.Stderr = writer
	mustDo(t, cmd.Start(), writer.Close())
	// It logs that it has begun, that a camera was added, and that it has connected.
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	wait.Until(t, "footage", func() bool { return sampleFiles(t, filepath.Join(path, "samples")) > 2 })
	mustDo(t, cmd.Process.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", path, "--hash")
}

// fill writes to a pipe until it takes nothing more.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	fd := int(pipe.Fd()) // it blocks from here on
	mustDo(t, syscall.SetNonblock(fd, true))
	for size := 4096; size > 0; {
		if _, err := syscall.Write(fd, make([]byte, size)); err != nil {
			size /= 2
		}
	}
	mustDo(t, syscall.SetNonblock(fd, false))
}

// TestLostLines ensures that it is told where lines of the log are lost.
func TestLostLines(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	mustDo(t, err)
	log := newUnhurried(writer)
	defer close(log.queue) // ends its goroutine
	long := strings.Repeat("x", 999) + "\n"
	const written = unhurriedLines + 500 // a pipe takes some 65 of them
	for range written {
		_, _ = fmt.Fprint(log, long)
	}
	var read bytes.Buffer
	for !strings.Contains(read.String(), "lost here") {
		chunk := make([]byte, 4096)
		n, err := reader.Read(chunk)
		mustDo(t, err)
		read.Write(chunk[:n])
	}
	log.flush()
	mustDo(t, writer.Close(), reader.Close())
}
