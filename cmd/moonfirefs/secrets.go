// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"path/filepath"
	"strconv"
	"strings"

	cameralib "github.com/moonfirefs/moonfirefs/camera"
)

// isAddress tells an address from a path or a name.
func isAddress(word string) bool { return strings.Contains(word, "://") }

// withoutSecrets is an error's text without what is secret in addresses: those that somebody has
// typed, which need not be valid, and all others in it.
func withoutSecrets(args []string, text string) string {
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			_, arg, _ = strings.Cut(arg, "=")
		}
		if !isAddress(arg) {
			continue
		}
		shown := cameralib.Redact(arg)
		quoted := strconv.Quote(arg)
		text = strings.NewReplacer(arg, shown, quoted[1:len(quoted)-1], shown,
			filepath.Clean(arg), filepath.Clean(shown)).Replace(text) // the last if a path was wanted
	}
	return cameralib.RedactText(text)
}
