// SPDX-License-Identifier: GPL-3.0-or-later

package mountpoint

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Entry is a line of the mount table, /proc/self/mountinfo (proc(5)), as far as it
// matters.
type Entry struct {
	// Device is "major:minor". It changes with every mount.
	Device         string
	Path           string
	FileSystemType string
}

// At returns the topmost mount at an absolute path without symbolic links; ok is false
// if there is none. It does not touch the path, so it works for a mount that is dead or
// our own.
func At(path string) (entry Entry, ok bool, err error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return Entry{}, false, fmt.Errorf("read mount table: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// Later lines are mounted on top of earlier ones.
		if e, valid := parseEntry(lines.Text()); valid && e.Path == path {
			entry, ok = e, true
		}
	}
	if err := lines.Err(); err != nil {
		return Entry{}, false, fmt.Errorf("read mount table: %w", err)
	}
	return entry, ok, nil
}

// Ours lists the paths of all mounts of this program that this process can see.
func Ours() (paths []string, err error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read mount table: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if e, ok := parseEntry(line); ok && e.FileSystemType == "fuse."+Name {
			paths = append(paths, e.Path)
		}
	}
	return paths, nil
}

// parseEntry parses a line such as
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
//
// in which any number of optional fields precede the dash.
func parseEntry(line string) (Entry, bool) {
	fields := strings.Fields(line)
	for i := 6; i+1 < len(fields); i++ {
		if fields[i] == "-" {
			return Entry{Device: fields[2], Path: unescape(fields[4]), FileSystemType: fields[i+1]}, true
		}
	}
	return Entry{}, false
}

// unescape resolves the octal escapes of blanks and backslashes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var plain strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if code, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				plain.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		plain.WriteByte(s[i])
	}
	return plain.String()
}
