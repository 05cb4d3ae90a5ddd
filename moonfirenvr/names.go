// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/moonfirefs/moonfirefs"
)

// nameSet has the names of folders that are taken, in lower case.
type nameSet map[string]bool

// choose makes a name of theirs, which may be anything and may be there twice, one that a
// folder can have and that no other has. The same cameras, in the same order, always get the
// same names.
func (s nameSet) choose(theirs string) string {
	base := safeName(theirs)
	for n := 1; ; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		if key := strings.ToLower(name); !s[key] {
			s[key] = true
			return name
		}
	}
}

// maxNameBytes leaves room for what is added to a name.
const maxNameBytes = 160

// safeName replaces what a folder cannot have in its name.
func safeName(theirs string) string {
	name := strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || strings.ContainsRune(`<>:"/\|?*`, r) || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, theirs)
	for len(name) > maxNameBytes {
		runes := []rune(name)
		name = string(runes[:len(runes)-1])
	}
	if strings.HasSuffix(strings.ToLower(name), moonfirefs.SubSuffix) {
		name += "_"
	}
	if name = strings.TrimRight(name, " ."); moonfirefs.CheckShortName(name) != nil {
		name = "_" + name
	}
	if moonfirefs.CheckShortName(name) != nil {
		return "camera"
	}
	return name
}
