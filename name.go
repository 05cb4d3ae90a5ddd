// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShortNameBytes leaves room for SubSuffix in a file name of 255 bytes.
const maxShortNameBytes = 200

// ForbiddenInFileNames are the characters that no name of a file can have on Windows, printable
// ones only.
const ForbiddenInFileNames = `<>:"/\|?*`

// ForbiddenProblem says why a name that contains one of ForbiddenInFileNames is refused.
const ForbiddenProblem = `it must not contain any of < > : " / \ | ? *`

// reservedNames cannot be folders on Windows, with any extension, or have a
// meaning of their own at the root of the mount.
var reservedNames = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true, "conin$": true, "conout$": true,
	"com1": true, "com2": true, "com3": true, "com4": true, "com5": true, "com6": true, "com7": true, "com8": true, "com9": true,
	"lpt1": true, "lpt2": true, "lpt3": true, "lpt4": true, "lpt5": true, "lpt6": true, "lpt7": true, "lpt8": true, "lpt9": true,
	"com¹": true, "com²": true, "com³": true, "lpt¹": true, "lpt²": true, "lpt³": true,
	"saved": true, "index.html": true, "index.json": true, "status.json": true,
}

// inRoot are the names that the root of the mount has for something else.
var inRoot = map[string]bool{"saved": true, "index.html": true, "index.json": true, "status.json": true}

// CheckShortName says whether a camera can have this name: one that is a safe
// name of a folder on Linux, Windows and macOS. The error wraps ErrInvalid.
func CheckShortName(name string) error {
	if problem := shortNameProblem(name); problem != "" {
		return Errorf(ErrInvalid, "camera name %q: %s", name, problem)
	}
	return nil
}

func shortNameProblem(name string) string {
	if problem := fileNameProblem(name); problem != "" {
		return problem
	}
	if strings.HasSuffix(strings.ToLower(name), SubSuffix) {
		return fmt.Sprintf("the ending %q is for sub streams", SubSuffix)
	}
	if strings.EqualFold(name, allClips) {
		return "it is the folder of clips of all cameras"
	}
	return ""
}

// allClips is the folder in the root that has clips of all cameras. A camera that was called so
// before is shown instead of it.
const allClips = "clips"

// CheckKeptName says whether kept footage can have this name: as for a camera.
// The error wraps ErrInvalid.
func CheckKeptName(name string) error {
	if problem := fileNameProblem(name); problem != "" {
		return Errorf(ErrInvalid, "name %q: %s", name, problem)
	}
	return nil
}

// StoredNameProblem says why a name that is stored cannot be that of a folder or a file
// in the mount, or "" if it can. It asks for less than CheckShortName: what was accepted
// once is shown.
func StoredNameProblem(name string) string {
	switch {
	case name == "" || name[0] == '.' || inRoot[name]:
		return fmt.Sprintf("the name %q is not one of a camera", name)
	case len(name) > maxShortNameBytes:
		return fmt.Sprintf("its name is longer than %d bytes", maxShortNameBytes)
	case !utf8.ValidString(name):
		return fmt.Sprintf("the name %q is not UTF-8", name)
	case strings.ContainsFunc(name, func(r rune) bool { return r == '/' || !unicode.IsPrint(r) }):
		return fmt.Sprintf("the name %q has characters that a file cannot have", name)
	}
	return ""
}

func fileNameProblem(name string) string {
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	base = strings.TrimRight(base, " ")
	switch {
	case name == "":
		return "it is empty"
	case len(name) > maxShortNameBytes:
		return fmt.Sprintf("it is longer than %d bytes", maxShortNameBytes)
	case !utf8.ValidString(name):
		return "it is not UTF-8"
	case strings.ContainsAny(name, ForbiddenInFileNames):
		return ForbiddenProblem
	case strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0:
		return "it must not contain control characters or unusual spaces"
	case strings.HasPrefix(name, ".") || strings.HasPrefix(name, " ") || strings.HasPrefix(name, "-"):
		return "it must not begin with a dot, a space or a hyphen"
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return "it must not end with a dot or a space"
	case reservedNames[base] || reservedNames[strings.ToLower(name)]:
		return "it is a reserved name"
	}
	return ""
}
