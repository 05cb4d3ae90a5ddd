//go:build !failpoints

package recorder

import (
	"github.com/moonfirefs/moonfire/index"
	"github.com/moonfirefs/moonfire/sample"
)

// seeded returns the database; in test builds, perhaps one with a fault.
func seeded(db *index.DB, _ *sample.Dir) database { return db }
