package fs

import (
	"fmt"

	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// extension ends the names of all files of footage.
const extension = ".mp4"

// fileName names the part of an hour, counted from 1: "13.mp4", then "13-2.mp4".
// An hour that the clock shows twice on its date has its UTC offset in the name:
// "01-0400.mp4" and "01-0500.mp4". The two cannot be confused, since an offset
// has a sign and at least four digits.
func fileName(h civil.Hour, twice bool, part int) string {
	name := fmt.Sprintf("%02d", h.Clock)
	if twice {
		name += civil.FormatOffset(int(h.OffsetSeconds))
	}
	if part > 1 {
		name += fmt.Sprintf("-%d", part)
	}
	return name + extension
}
