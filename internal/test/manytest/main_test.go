// SPDX-License-Identifier: GPL-3.0-or-later

package manytest

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	full     = flag.Bool("full", false, "64 cameras for ten minutes, 10 000 refused connections, 1 000 reconnections")
	duration = flag.Duration("duration", 10*time.Minute, "of the recording of 64 cameras")
)

// beCameras makes the test binary serve cameras: how many, and how many frames
// there are from one key frame to the next.
const beCameras = "MOONFIREFS_TEST_BE_CAMERAS"

func TestMain(m *testing.M) {
	if n := os.Getenv(beCameras); n != "" {
		if err := serveCameras(n, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "cameras:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	slog.SetLogLoggerLevel(slog.LevelError)
	goleak.VerifyTestMain(m)
}
