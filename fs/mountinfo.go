package fs

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// mountEntry is a line of /proc/self/mountinfo (proc(5)), as far as it matters.
type mountEntry struct {
	// device is "major:minor". It changes with every mount.
	device         string
	mountpoint     string
	fileSystemType string
}

// mountedAt returns the topmost mount at an absolute path without symbolic
// links; ok is false if there is none. It does not touch the path, so it works
// for a mount that is dead or our own.
func mountedAt(path string) (entry mountEntry, ok bool, err error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return mountEntry{}, false, fmt.Errorf("read mount table: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// Later lines are mounted on top of earlier ones.
		if e, valid := parseMountEntry(lines.Text()); valid && e.mountpoint == path {
			entry, ok = e, true
		}
	}
	if err := lines.Err(); err != nil {
		return mountEntry{}, false, fmt.Errorf("read mount table: %w", err)
	}
	return entry, ok, nil
}

// parseMountEntry parses a line such as
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
//
// in which any number of optional fields precede the dash.
func parseMountEntry(line string) (mountEntry, bool) {
	fields := strings.Fields(line)
	for i := 6; i+1 < len(fields); i++ {
		if fields[i] == "-" {
			return mountEntry{
				device: fields[2], mountpoint: unescape(fields[4]), fileSystemType: fields[i+1],
			}, true
		}
	}
	return mountEntry{}, false
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
