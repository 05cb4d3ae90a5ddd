// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"fmt"
	"log/slog"
)

// teller tells once of each row of theirs that cannot be used.
type teller struct {
	log  *slog.Logger
	told map[string]bool
}

func newTeller(log *slog.Logger) teller { return teller{log: log, told: make(map[string]bool)} }

// maxTold bounds the lines about rows.
const maxTold = 50

func (t *teller) leaveOut(table string, id int64, problem string) {
	line := fmt.Sprintf("row %d of table %s: %s", id, table, problem)
	if t.told[line] || len(t.told) > maxTold {
		return
	}
	t.told[line] = true
	if len(t.told) > maxTold {
		t.log.Warn("further rows of Moonfire NVR cannot be used, and are left out")
		return
	}
	t.log.Warn("a row of Moonfire NVR cannot be used, and is left out", "row", line)
}
