// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
)

const (
	username = "admin"
	// plantedPassword is the password in these tests. It needs escaping, and
	// must show up in no error and no log line.
	plantedPassword = "pl@nted/p:w?#%+ é"
)

// logged collects all that is logged while the tests run, at debug level.
var logged syncbuffer.Buffer

// leaksPassword finds the planted password in a text, as it is or escaped.
func leaksPassword(text string) bool { return strings.Contains(text, "nted") }

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	status := m.Run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	for line := range strings.Lines(logged.String()) {
		if leaksPassword(line) {
			fmt.Fprint(os.Stderr, "the password is in the log: ", line)
			status = 1
		}
	}
	os.Exit(status)
}
