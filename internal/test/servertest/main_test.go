// SPDX-License-Identifier: GPL-3.0-or-later

package servertest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs/internal/test/programbuild"
)

var (
	length   = flag.Duration("length", 12*time.Second, "how much is published")
	mediamtx = flag.String("mediamtx", "", "path of a program mediamtx, whose server is tried as well")
)

// binary is the program, built for these tests.
var binary string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "moonfirefs-servertest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "moonfirefs")
	if err := programbuild.Build(context.Background(), binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status := m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}
