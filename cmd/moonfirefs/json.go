// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/moonfirefs/moonfirefs/internal/printable"
)

// How far JSON is indented: as in the files of the mount, but for what cameras say.
const (
	storeIndent  = " "
	cameraIndent = "  "
)

// printJSON prints a value for programs.
func printJSON(out io.Writer, value any, indent string) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	_, err := out.Write(printable.JSON(text.Bytes()))
	return err
}
