// SPDX-License-Identifier: GPL-3.0-or-later

// Package programbuild builds the program for the tests that run it as its users do:
// in a process of its own, without the test's own parts.
package programbuild

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds the program into a file, with further flags of "go build".
func Build(ctx context.Context, path string, flags ...string) error {
	// "go test" tells where it is; the search path may be another one by now.
	tool := "go"
	if root := os.Getenv("GOROOT"); root != "" {
		tool = filepath.Join(root, "bin", "go")
	}
	arguments := append([]string{"build", "-o", path}, flags...)
	output, err := exec.CommandContext(ctx, tool, append(arguments, "github.com/moonfirefs/moonfirefs/cmd/moonfirefs")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, output)
	}
	return nil
}
