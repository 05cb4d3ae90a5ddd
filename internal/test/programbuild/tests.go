// SPDX-License-Identifier: GPL-3.0-or-later

package programbuild

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"go.uber.org/goleak"
)

// RunTests builds the program, whose path it tells, runs tests, such as a *testing.M, and
// returns the exit status. Tests that leave a goroutine have failed. Other users can run the
// program too.
func RunTests(tests interface{ Run() int }, path *string) (status int) {
	dir, err := os.MkdirTemp("", "moonfirefs-test-")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(dir)
	*path = filepath.Join(dir, "moonfirefs")
	if err := cmp.Or(os.Chmod(dir, 0o755), Build(context.Background(), *path)); err != nil {
		return failed(err)
	}
	status = tests.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		return failed(err)
	}
	return status
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}
