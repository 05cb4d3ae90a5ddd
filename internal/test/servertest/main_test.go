// SPDX-License-Identifier: GPL-3.0-or-later

package servertest

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/programbuild"
)

var (
	length   = flag.Duration("length", 12*time.Second, "how much is published")
	mediamtx = flag.String("mediamtx", "", "path of a program mediamtx, whose server is tried as well")
)

// binary is the program, built for these tests.
var binary string

func TestMain(m *testing.M) { os.Exit(programbuild.RunTests(m, &binary)) }
