// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// Event is something that happened in front of a camera.
type Event struct {
	// ID is given when the event is added, and never again.
	ID     int64
	Camera uuid.UUID
	// Interval may be a moment: its end may be its start.
	moonfirefs.Interval
	// Label says what happened, in a word or two that can be in the name of a file.
	Label string
	// Source is who said so, such as "command" or "mqtt".
	Source string
}

const (
	// maxTextBytes bounds labels and sources.
	maxTextBytes = 64
	// MaxDuration90k bounds events: what lasts longer is several.
	MaxDuration90k = 12 * moonfirefs.Hour90k
)

// CheckLabel says whether events can have a label. The error wraps moonfirefs.ErrInvalid.
func CheckLabel(label string) error {
	if problem := labelProblem(label); problem != "" {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "label %q: %s", label, problem)
	}
	return nil
}

// labelProblem says why a label cannot be in the names of files; it is empty if it can.
func labelProblem(label string) string {
	if problem := storedLabelProblem(label); problem != "" {
		return problem
	}
	switch {
	case strings.ContainsAny(label, moonfirefs.ForbiddenInFileNames):
		return moonfirefs.ForbiddenProblem
	case strings.TrimSpace(label) != label:
		return "it must not begin or end with a space"
	}
	return ""
}

// storedLabelProblem says why a label that is stored cannot be in the names of files here. It asks
// for less than labelProblem: what was accepted once is shown.
func storedLabelProblem(label string) string {
	switch {
	case label == "":
		return "it is empty"
	case len(label) > maxTextBytes:
		return "it is longer than 64 bytes"
	case !utf8.ValidString(label):
		return "it is not UTF-8"
	case label[0] == '.':
		return "it must not begin with a dot"
	case strings.Contains(label, "/"):
		return "it must not contain a slash"
	case strings.ContainsFunc(label, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "it must not contain control characters or unusual spaces"
	}
	return ""
}

// CleanLabel makes of what somebody else calls an event a label that it can have: characters
// that cannot be in the name of a file become hyphens. ok is false if nothing is left.
func CleanLabel(text string) (label string, ok bool) {
	var b strings.Builder
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsPrint(r) || strings.ContainsRune(moonfirefs.ForbiddenInFileNames, r) {
			r = '-'
		}
		if b.Len()+utf8.RuneLen(r) > maxTextBytes {
			break
		}
		b.WriteRune(r)
	}
	label = strings.Trim(b.String(), " .-")
	return label, labelProblem(label) == ""
}

// check refuses events that nobody should store.
func (e *Event) check() error {
	switch d := e.Duration90k(); {
	case d < 0:
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "the event ends before it starts")
	case d > MaxDuration90k:
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "the event is longer than 12 hours")
	case !moonfirefs.StartPossible(e.Start90k):
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "the event is not within the years 1 to 9999")
	case e.Source == "" || len(e.Source) > maxTextBytes:
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "the event has no source, or a long one")
	}
	return CheckLabel(e.Label)
}
