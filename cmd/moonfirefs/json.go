// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"io"
)

// How far JSON is indented: as in the files of the mount, but for what cameras say.
const (
	storeIndent  = " "
	cameraIndent = "  "
)

// printJSON prints a value for programs.
func printJSON(out io.Writer, value any, indent string) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", indent)
	return encoder.Encode(value)
}
