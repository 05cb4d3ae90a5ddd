// SPDX-License-Identifier: GPL-3.0-or-later

package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocuments ensures that the commands of the documents do what they should, as
// far as their exit status tells. It lists those that are not run.
func TestDocuments(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(top, "tools", "packagetest.sh"))
	if err != nil {
		t.Fatal(err)
	}
	prepared := prepare(t)
	ran := 0
	for _, d := range documents(t) {
		var commands strings.Builder
		for _, b := range d.blocks {
			where := fmt.Sprintf("%s:%d", d.path, b.line)
			switch kind, name, _ := strings.Cut(b.runner, ": "); {
			case b.runner == "run":
				fmt.Fprintf(&commands, "echo '== %s'\n%s\n", where, b.commands)
				ran++
			case kind == "run" && !strings.Contains(string(script), fmt.Sprintf("run %s %s\n", name, d.path)):
				t.Errorf("%s: tools/packagetest.sh does not run %s", where, name)
			case kind == "not run":
				t.Logf("%s is %s", where, b.runner)
			}
		}
		if commands.Len() > 0 {
			t.Run(d.path, func(t *testing.T) {
				t.Parallel()
				prepared.run(t, commands.String())
			})
		}
	}
	if ran < 10 {
		t.Errorf("only %d blocks are run", ran)
	}
}

// TestCommandFails ensures that a command that fails is noticed, and what follows
// it is not run.
func TestCommandFails(t *testing.T) {
	output, err := newMachine(t, prepare(t)).try(t, "moonfirefs camera add\necho after\n")
	if err == nil || strings.Contains(output, "after") || !strings.Contains(output, "needs NAME rtsp") {
		t.Errorf("%v: %s", err, output)
	}
}
