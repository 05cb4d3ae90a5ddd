// SPDX-License-Identifier: GPL-3.0-or-later

package printable

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// Joiners belong to the spelling of some languages, and to emoji.
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// shown tells whether a character is shown as it is: letters and what they are written
// with, digits, punctuation, symbols, spaces.
func shown(r rune) bool {
	return unicode.IsGraphic(r) || r == zeroWidthNonJoiner || r == zeroWidthJoiner
}

// Text returns a text on one line, with escapes as in Go, such as \n or \u202e, for what
// is not to be shown: control characters, line breaks, marks of direction, and bytes that
// are not UTF-8.
func Text(s string) string {
	if isShown(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case shown(r):
			b.WriteString(s[:n])
		default:
			quoted := fmt.Sprintf("%+q", r) // 'x'
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		s = s[n:]
	}
	return b.String()
}

func isShown(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !shown(r) })
}

// Lines is Text for a text of several lines, as joined errors are. Lines after the first
// are indented, so that none can be taken for the beginning of something else.
func Lines(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i := range lines {
		lines[i] = Text(lines[i])
	}
	return strings.Join(lines, "\n  ")
}

// Values returns the arguments of a format, with texts and errors as Text shows them.
func Values(args []any) []any {
	safe := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			safe[i] = Text(v)
		case error:
			safe[i] = Text(v.Error())
		case fmt.Stringer:
			safe[i] = Text(v.String())
		default:
			safe[i] = arg
		}
	}
	return safe
}

// JSON returns what encoding/json has made, with \u escapes for what is not to be shown:
// of control characters below a space it has taken care.
func JSON(data []byte) []byte {
	if !bytes.ContainsFunc(data, func(r rune) bool { return r >= unicode.MaxASCII && !shown(r) }) {
		return data
	}
	var b bytes.Buffer
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch {
		case r < unicode.MaxASCII || shown(r):
			b.Write(data[:n])
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		data = data[n:]
	}
	return b.Bytes()
}
