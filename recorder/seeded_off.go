// SPDX-License-Identifier: GPL-3.0-or-later

//go:build !failpoints

package recorder

import (
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/sample"
)

// seeded returns the database; in test builds, perhaps one with a fault.
func seeded(db *index.DB, _ *sample.Dir) database { return db }
