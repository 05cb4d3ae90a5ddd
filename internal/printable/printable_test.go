// SPDX-License-Identifier: GPL-3.0-or-later

package printable

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// TestText ensures what is shown as it is, and how the rest is.
func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"Einfahrt, Küche (2. Stock)": "Einfahrt, Küche (2. Stock)",
		"車道 מבוא ورودی":              "車道 מבוא ورودی",
		"می\u200cخواهم 👨\u200d👩":     "می\u200cخواهm 👨\u200d👩",
		"a\u00a0b":                   "a\u00a0b",
		`C:\new`:                     `C:\new`,
		"two\nlines\r":               `two\nlines\r`,
		"a\ttable":                   `a\ttable`,
		"\x1b[2J\x07\x00\x7f":        `\x1b[2J\a\x00\x7f`,
		"\u009b2J":                   `\u009b2J`,
		"\u202egpj.exe\u2069":        `\u202egpj.exe\u2069`,
		"\u2028\u2029\ufeff\u200b":   `\u2028\u2029\ufeff\u200b`,
		"\U000e0041":                 `\U000e0041`,
		"\xff\xfea":                  `\xff\xfea`,
		"\ufffd":                     "\ufffd",
	} {
		want = strings.ReplaceAll(want, "خواهm", "خواهم")
		if got := Text(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestLines ensures that no line of a text can be taken for another one's.
func TestLines(t *testing.T) {
	err := errors.Join(errors.New("one"), errors.New("two\x1b"))
	if got, want := Lines(err.Error()), "one\n  two\\x1b"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestValues ensures that formats get their texts shown, and all else as it is.
func TestValues(t *testing.T) {
	got := fmt.Sprintf("%s %s %v %d %.1f", Values([]any{"a\n", errors.New("b\t"), time.Second, 7, 1.5})...)
	if want := `a\n b\t 1s 7 1.5`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzJSON ensures that JSON stays the same value, and has nothing that is not shown.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{"", "a", "\n\t\x00\x7f", "\u009b\u202e\u2028", "\U000e0041\U0001f600", "\xff", `"\u0007"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		data, err := json.MarshalIndent(map[string]string{text: text}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		safe := JSON(data)
		if err := errors.Join(json.Unmarshal(data, &want), json.Unmarshal(safe, &got)); err != nil {
			t.Fatalf("%s: %v", safe, err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s became %s", data, safe)
		}
		if strings.ContainsFunc(string(safe), func(r rune) bool { return r != '\n' && !shown(r) }) {
			t.Errorf("%q is not shown", safe)
		}
	})
}

// FuzzText ensures that nothing is left that is not shown, and nothing lost.
func FuzzText(f *testing.F) {
	f.Add("a\n\x00\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := Text(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !shown(r) || unicode.IsControl(r) }) {
			t.Errorf("%q is shown as %q", text, got)
		}
		if len(got) < len(text) {
			t.Errorf("%q is shortened to %q", text, got)
		}
	})
}
