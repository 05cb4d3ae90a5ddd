// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// minSecretBytes is the size from which a secret is looked for by itself. Shorter
// ones, such as the 1 of channel=1, are in too many words; they are found by what
// stands around them.
const minSecretBytes = 4

// secrets finds what must not be logged in whatever a camera or libav says about
// it: the password, the user name, and the values in the URL, however they are
// escaped.
type secrets struct {
	// pattern is nil if there are none.
	pattern *regexp.Regexp
}

// newSecrets collects those of a configuration.
func newSecrets(cfg Config) secrets {
	values := []string{cfg.Username, cfg.Password}
	credentials := cfg.Username + ":" + cfg.Password
	_, rest, _ := strings.Cut(cfg.URL, "://")
	authority, path := splitAuthority(rest)
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		name, password, _ := strings.Cut(authority[:at], ":")
		values = append(values, name, password)
		if cfg.Username == "" {
			credentials = unescaped(name) + ":" + unescaped(password)
		}
	}
	if credentials != ":" {
		values = append(values, base64.StdEncoding.EncodeToString([]byte(credentials)))
	}
	for _, assigned := range assignment.FindAllString(path, -1) {
		values = append(values, strings.TrimPrefix(assigned, "="))
	}
	var patterns []string
	for _, value := range values {
		// As it was written, in case a % in it means itself, and as it is meant.
		for _, form := range []string{value, unescaped(value)} {
			if len(form) >= minSecretBytes {
				patterns = append(patterns, anyEscaping(form))
			}
		}
	}
	if len(patterns) == 0 {
		return secrets{}
	}
	// Longer ones first: they may contain others.
	slices.SortFunc(patterns, func(a, b string) int { return len(b) - len(a) })
	return secrets{pattern: regexp.MustCompile("(?is)" + strings.Join(slices.Compact(patterns), "|"))}
}

// unescaped undoes %-encoding, where there is any.
func unescaped(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// anyEscaping is a regular expression for a text of which any byte may be
// %-encoded.
func anyEscaping(s string) string {
	var b strings.Builder
	for _, character := range s {
		literal := regexp.QuoteMeta(string(character))
		if character == ' ' {
			literal += `|\+`
		}
		escaped := ""
		for _, octet := range []byte(string(character)) {
			escaped += fmt.Sprintf("%%%02x", octet)
		}
		fmt.Fprintf(&b, "(?:%s|%s)", literal, escaped)
	}
	return b.String()
}

// redact returns a line of text without the secrets, and with every URL in it
// redacted.
func (s secrets) redact(text string) string {
	text = RedactText(text)
	if s.pattern != nil {
		text = s.pattern.ReplaceAllLiteralString(text, redacted)
	}
	return text
}
