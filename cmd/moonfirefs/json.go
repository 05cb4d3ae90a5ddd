package main

import (
	"encoding/json"
	"io"
)

// How far JSON is indented: that of a store as in the files of the mount, and that of
// cameras.
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
