// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// ownerHint says, behind an error about permissions, whose the store is, and what to type
// instead; or "".
func ownerHint(path string, args []string, err error) string {
	if !errors.Is(err, fs.ErrPermission) || os.Geteuid() == 0 {
		return ""
	}
	owner, statErr := durable.OwnerOf(path)
	denied := new(durable.DeniedError)
	explained := errors.As(err, &denied)
	line := "moonfirefs " + strings.Join(quoted(args), " ")
	switch {
	case statErr != nil || explained && !within(path, denied.Wanted) && !within(path, denied.Path):
		return ""
	case owner.UID != os.Geteuid():
		return "\nThe store in " + path + " belongs to " + owner.User() + ". " + typeAs(owner.User(), line)
	case explained: // it says what to do
		return ""
	}
	return "\nRoot may do it, and what it makes in the store belongs to " + owner.User() + ". " + typeAs("root", line)
}

// typeAs says what to type so that a line is run by a user.
func typeAs(user, line string) string {
	_, err := exec.LookPath("sudo")
	switch {
	case err == nil && user == "root":
		return "Type: sudo " + line
	case err == nil:
		return "Type: sudo -u " + user + " " + line
	case user == "root":
		return "Become root (su -) and type: " + line
	}
	return "Become root (su -) and type: runuser -u " + user + " -- " + line
}

// within tells whether a path is in a directory.
func within(dir, path string) bool {
	dir, err := filepath.Abs(dir)
	return err == nil && strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
