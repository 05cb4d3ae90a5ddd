// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
)

//go:embed page.css
var styleText string

// pagePolicy lets a page have the one style and the one script that are in it, and what
// else is given (Content Security Policy Level 3 §2.3.1): nothing from elsewhere.
func pagePolicy(script, rest string) string {
	policy := "default-src 'none'; style-src " + digestSource(styleText)
	if script != "" {
		policy += "; script-src " + digestSource(script)
	}
	if rest != "" {
		policy += "; " + rest
	}
	return policy
}

func digestSource(text string) string {
	digest := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"
}

// style is the style of all pages.
func style() template.CSS { return template.CSS(styleText) }
