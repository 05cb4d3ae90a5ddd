// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import _ "embed"

// Schema is the text of schema.sql, the authority on the database's layout.
//
//go:embed schema.sql
var Schema string

const (
	// SchemaVersion is the user_version of the databases that this program
	// writes. Package index migrates older ones (design/migrations.md).
	SchemaVersion = 8
	// ApplicationID is the application_id of our databases: "MFfs".
	ApplicationID = 0x4d466673
)
