// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// ownerHint says, behind an error about permissions, whose the store is, and what to type
// instead; or "".
func ownerHint(path string, args []string, err error) string {
	if !errors.Is(err, fs.ErrPermission) {
		return ""
	}
	owner, statErr := durable.OwnerOf(path)
	line := "moonfirefs " + strings.Join(quoted(args), " ")
	switch {
	case statErr != nil || os.Geteuid() == 0:
		return ""
	case owner.UID != os.Geteuid():
		return "\nThe store in " + path + " belongs to " + owner.User() + ". Type: sudo -u " + owner.User() + " " + line
	case errors.As(err, new(*durable.DeniedError)): // it says what to do
		return ""
	}
	return "\nRoot may do it, and what it makes in the store belongs to " + owner.User() + ". Type: sudo " + line
}
