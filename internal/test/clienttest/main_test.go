// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs/internal/test/programbuild"
)

var (
	full      = flag.Bool("full", false, "whole hours of footage and a month of eight cameras: many minutes")
	tablePath = flag.String("table", "", "document in which the table of results is replaced")
)

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

// binary is the program, built for these tests.
var binary string

func runTests(m *testing.M) int {
	flag.Parse()
	// These tests wait for other programs most of the time.
	if err := flag.Set("test.parallel", "8"); err != nil {
		return fail(err)
	}
	dir, err := newDir()
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "moonfirefs")
	if err := programbuild.Build(context.Background(), binary); err != nil {
		return fail(err)
	}
	status := m.Run()
	if err := results.publish(*tablePath, status == 0); err != nil {
		return fail(err)
	}
	if err := goleak.Find(); err != nil && status == 0 {
		return fail(err)
	}
	return status
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "clienttest:", err)
	return 1
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
