// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"strings"
	"unicode"
)

// plainSQL takes from a statement what does not matter: comments, spaces, and the quotes
// that SQLite puts around the name of a table which is renamed. Two statements that say
// the same in the same words are equal then, however they are written.
func plainSQL(text string) string {
	var plain strings.Builder
	wordBefore := false
	for text != "" {
		token, rest := cutToken(text)
		if text = rest; token == "" {
			continue
		}
		if name := strings.Trim(token, `"`); isWord(name) {
			token = name
		}
		// Two words would become one.
		if wordBefore && isWord(token) {
			plain.WriteByte(' ')
		}
		plain.WriteString(token)
		wordBefore = isWord(token)
	}
	return plain.String()
}

// cutToken cuts a word, a quoted text or a character from the beginning of a statement; it
// is empty for a space or a comment.
func cutToken(text string) (token, rest string) {
	n := 1
	switch {
	case strings.HasPrefix(text, "--"):
		_, rest, _ = strings.Cut(text, "\n")
		return "", rest
	case strings.HasPrefix(text, "/*"):
		_, rest, _ = strings.Cut(text[2:], "*/")
		return "", rest
	case text[0] == '\'' || text[0] == '"':
		// A quote within is doubled, and makes two tokens of one text, side by side.
		if end := strings.IndexByte(text[1:], text[0]); end >= 0 {
			n = end + 2
		}
	case unicode.IsSpace(rune(text[0])):
		return "", text[1:]
	default:
		for n < len(text) && isWord(text[:n+1]) {
			n++
		}
	}
	return text[:n], text[n:]
}

// isWord tells whether a text is a keyword, a name or a number.
func isWord(text string) bool {
	for _, c := range text {
		if c != '_' && c != '$' && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	return text != ""
}
