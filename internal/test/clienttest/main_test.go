// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/programbuild"
)

var (
	full        = flag.Bool("full", false, "whole hours of footage and a month of eight cameras: many minutes")
	screenshots = flag.String("screenshots", "", "folder to write pictures of the pages into")
	tablePath   = flag.String("table", "", "document in which the table of results is replaced")
)

// requireFull leaves out what only the long form does: it is done with programs that
// "tools/setup.sh clients" installs.
func requireFull(t *testing.T) {
	t.Helper()
	if !*full {
		t.Skip("only with -full")
	}
}

func TestMain(m *testing.M) { os.Exit(programbuild.RunTests(publishing{m}, &binary)) }

// binary is the program, built for these tests.
var binary string

// publishing runs the tests and publishes what they have found.
type publishing struct{ *testing.M }

func (p publishing) Run() int {
	flag.Parse()
	// These tests wait for other programs most of the time.
	err := flag.Set("test.parallel", "8")
	status := 1
	if err == nil {
		status = p.M.Run()
		err = results.publish(*tablePath, status == 0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "clienttest:", err)
		return 1
	}
	return status
}

// newDir makes a directory that other users can look into, as they must be able
// to reach a mountpoint in it.
func newDir() (string, error) {
	dir, err := os.MkdirTemp("", "moonfirefs-clienttest-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// tempDir is newDir for the time of a test.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := newDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
