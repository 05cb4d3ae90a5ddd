// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"regexp"
	"strings"
)

const (
	// redacted stands for what a log must not hold.
	redacted = "***"
	// punctuation can follow a URL in a sentence.
	punctuation = ".,:;)"
)

var (
	// urlInText finds URLs in a line of text.
	urlInText = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"'<>]+`)
	// assignment finds name=value in a path. Some cameras want credentials
	// there: /user=admin&password=…&channel=1
	assignment = regexp.MustCompile(`=[^&/?#;]*`)
	// queryInText finds ?name=value and &name=value in a line of text, where a
	// relative URL has no scheme to tell it by.
	queryInText = regexp.MustCompile(`[?&][^=&\s"'<>]*=[^&\s"'<>]*`)
)

// Redact returns a URL in a form that may be logged: without its user info and
// without the values of its query and of name=value pairs in its path. Where an
// unescaped @ makes it doubtful what is user info, little is left of the URL. How the
// certificate is verified is no secret.
func Redact(url string) string {
	if plain, _, said, err := CertificateOf(url); said && err == nil {
		return Redact(plain) + url[len(plain):]
	}
	scheme, rest, found := strings.Cut(url, "://")
	if !found {
		return redacted
	}
	authority, path := splitAuthority(rest)
	if strings.Contains(path, "@") {
		return scheme + "://" + redacted
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = redacted + authority[at:]
	}
	path, query, hasQuery := strings.Cut(path, "?")
	path = scheme + "://" + authority + assignment.ReplaceAllString(path, "="+redacted)
	if hasQuery {
		path += "?" + redactQuery(query)
	}
	return path
}

// redactQuery keeps the names. What has none is a value.
func redactQuery(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, found := strings.Cut(part, "=")
		switch {
		case found:
			parts[i] = name + "=" + redacted
		case part != "":
			parts[i] = redacted
		}
	}
	return strings.Join(parts, "&")
}

// splitAuthority splits what follows "scheme://" (RFC 3986 §3.2).
func splitAuthority(rest string) (authority, path string) {
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		return rest[:end], rest[end:]
	}
	return rest, ""
}

// RedactText returns a text with every URL in it redacted. What is redacted already stays as
// it is, with the punctuation behind it.
func RedactText(text string) string {
	text = urlInText.ReplaceAllStringFunc(text, func(url string) string {
		if bare := strings.TrimRight(url, punctuation); Redact(bare) == bare {
			return url
		}
		return Redact(url)
	})
	return queryInText.ReplaceAllStringFunc(text, func(pair string) string {
		name, value, _ := strings.Cut(pair, "=")
		if strings.TrimRight(value, punctuation) == redacted {
			return pair
		}
		return name + "=" + redacted
	})
}
