package fs

import "fmt"

// extension ends the names of all files of footage.
const extension = ".mp4"

// fileName names the part of an hour, counted from 1: "13.mp4", then "13-2.mp4".
// An hour that the clock shows twice on its date has its UTC offset in the name:
// "01-0400.mp4" and "01-0500.mp4". The two cannot be confused, since an offset
// has a sign and at least four digits.
func fileName(h hour, twice bool, part int) string {
	name := fmt.Sprintf("%02d", h.clock)
	if twice {
		name += formatOffset(int(h.offsetSeconds))
	}
	if part > 1 {
		name += fmt.Sprintf("-%d", part)
	}
	return name + extension
}

// formatOffset formats a UTC offset as ISO 8601 does in its basic form, with
// seconds in the rare case that a zone's offset has some.
func formatOffset(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	text := fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds/60%60)
	if rest := seconds % 60; rest != 0 {
		text += fmt.Sprintf("%02d", rest)
	}
	return text
}

// repeated tells which hours on the clock occur more than once among the hours
// of a date.
func repeated(hours []hour) (twice [24]bool) {
	var seen [24]bool
	for _, h := range hours {
		twice[h.clock] = seen[h.clock] || twice[h.clock]
		seen[h.clock] = true
	}
	return twice
}
