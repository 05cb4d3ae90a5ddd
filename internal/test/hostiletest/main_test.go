// SPDX-License-Identifier: GPL-3.0-or-later

package hostiletest

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

var full = flag.Bool("full", false, "all changes of the store, not one of each kind")

// binary is the program, built for these tests.
var binary string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "moonfirefs-hostiletest-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "moonfirefs")
	if err := programbuild.Build(context.Background(), binary); err != nil {
		return fail(err)
	}
	status := m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		return fail(err)
	}
	return status
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "hostiletest:", err)
	return 1
}
