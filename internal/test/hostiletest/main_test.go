// SPDX-License-Identifier: GPL-3.0-or-later

package hostiletest

import (
	"flag"
	"os"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/programbuild"
)

var full = flag.Bool("full", false, "all changes of the store, not one of each kind")

// binary is the program, built for these tests.
var binary string

func TestMain(m *testing.M) { os.Exit(programbuild.RunTests(m, &binary)) }
