// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// What must not show up anywhere. Each has a core that stays the same in any
// escaping, and characters around it that do not.
const (
	plantedUser     = "opXUSERX"
	plantedPassword = "p@:/XPASSX?#%+ é"
	plantedToken    = "t&=XTOKENX/é%"
)

// leaks finds what was planted, in any escaping or encoding.
func leaks(text string) string {
	for _, secret := range []string{
		"XUSERX", "XPASSX", "XTOKENX",
		base64.StdEncoding.EncodeToString([]byte(plantedUser + ":" + plantedPassword)),
	} {
		if i := strings.Index(text, secret); i >= 0 {
			return text[max(0, i-200):min(len(text), i+100)]
		}
	}
	return ""
}

// withCredentials puts everything that is secret into a URL.
func withCredentials(address string) string {
	userInfo := url.UserPassword(plantedUser, plantedPassword).String()
	return strings.Replace(address, "rtsp://", "rtsp://"+userInfo+"@", 1) + "?key=" + url.QueryEscape(plantedToken)
}

// answerWithEcho is a camera that refuses every request, and repeats in its answer
// what it was sent: the URL with its query, and the credentials in the clear.
func answerWithEcho(conn net.Conn) {
	reader := textproto.NewReader(bufio.NewReader(conn))
	for {
		line, err := reader.ReadLine()
		if err != nil {
			return
		}
		header, err := reader.ReadMIMEHeader()
		if err != nil {
			return
		}
		_, requested, _ := strings.Cut(line, " ")
		requested, _, _ = strings.Cut(requested, " ")
		authorization, status := header.Get("Authorization"), "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"echo\""
		if authorization != "" {
			status = "453 " + requested + " " + plantedToken + " " + authorization
		}
		if method, _, _ := strings.Cut(line, " "); method == "OPTIONS" {
			status = "200 OK"
		}
		fmt.Fprintf(conn, "RTSP/1.0 %s\r\nCSeq: %s\r\nServer: %s %s %s\r\n\r\n", status, header.Get("CSeq"), requested, authorization, plantedPassword)
	}
}

// processes returns the command lines of a process and of those that it started.
func processes(t *testing.T, pid int) (lines []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	mustDo(t, err)
	for _, path := range paths {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(pid) && filepath.Base(filepath.Dir(path)) != strconv.Itoa(pid) {
			continue
		}
		if line, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline")); err == nil {
			lines = append(lines, string(line))
		}
	}
	return lines
}

// requireNoLeakIn searches every file below a directory, and the names.
func requireNoLeakIn(t *testing.T, dir string, except func(name string) bool) (files int) {
	t.Helper()
	mustDo(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if leak := leaks(path); leak != "" {
			t.Errorf("in a name: %q", leak)
		}
		if entry.IsDir() || except(entry.Name()) {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if leak := leaks(string(data)); leak != "" {
			t.Errorf("in %s: %q", path, leak)
		}
		return nil
	}))
	return files
}

// TestSecretsStaySecret plants a user name, a password and a token in the address
// of cameras that can be recorded, that refuse, and that repeat what they are told,
// and looks for them in whatever the program shows: its log at debug level, what
// every command prints, the command lines of processes, the environment of the
// hook, metrics, the mount with the status of each camera, and the store
// but for the columns of the index that are there for them.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1, Username: plantedUser, Password: plantedPassword})
	other := startCamera(t, testcamera.Config{KeepSent: 1, Username: "somebody", Password: "else"})
	gone := startCamera(t, testcamera.Config{KeepSent: 1})
	gone.Stop()
	addresses := map[string]string{
		"good":    withCredentials(camera.URL()),
		"wrong":   withCredentials(other.URL()),
		"nowhere": withCredentials(camera.URL() + "2"),
		"gone":    withCredentials(gone.URL()),
		"echo":    withCredentials("rtsp://" + cameratest.Listen(t, answerWithEcho) + "/user=" + plantedUser + "&password=XPASSX/s"),
		"garbage": withCredentials("rtsp://" + cameratest.Listen(t, greeting("RTSP/1.0 "+plantedPassword+"\r\n")) + "/s"),
	}
	path, mountpoint := newStore(t), newMountpoint(t)
	try := func(args ...string) {
		t.Helper()
		output, _ := run(t, append(args, "--store", path, "--log-level", "debug")...)
		if leak := leaks(output); leak != "" {
			t.Errorf("moonfirefs %s printed %q", args[:2], leak)
		}
	}
	for name, address := range addresses {
		try("camera", "add", name, address, "--retain", "1GB")
		try("camera", "add", name, address, "--retain", "1GB", "--no-test")
		try("camera", "add", name, address, "--retain", "1GB", "--no-test") // there already
		try("camera", "test", name, "--for", "1s", "--json")
		try("camera", "test", address, "--for", "1s")
	}
	for _, malformed := range []string{
		"rtsp://" + plantedUser + ":" + plantedPassword + "@192.0.2.1/", "rtsp://u:XPASSX@%zz", "rtsp://u:XPASSX@h:port/", "rtsp://u:XPASSX@/",
		"http://u:XPASSX@h/", "rtsp://h/\x01?key=XTOKENX", "rtsp://XUSERX:%zzXPASSX@h/", "XUSERX:XPASSX@h",
	} {
		try("camera", "add", "malformed", malformed, "--retain", "1GB")
		try("camera", "test", malformed)
		try("camera", "add", malformed, "driveway", "--retain", "1GB")
	}

	told := filepath.Join(t.TempDir(), "told")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s", "--log-level", "debug",
		"--hook", "env >> "+told, "--metrics", "127.0.0.1:0")
	for name, reason := range map[string]string{"wrong": "401", "nowhere": "404", "gone": "refused", "echo": "453", "garbage": "RTSP"} {
		wait.Until(t, "a line about "+name, func() bool {
			for line := range strings.Lines(recorder.output.String()) {
				if strings.Contains(line, "camera="+name) && strings.Contains(line, "WARN") && strings.Contains(line, reason) {
					return true
				}
			}
			return false
		})
	}
	wait.Until(t, "footage", func() bool { return len(files(t, mountpoint)) > 0 })
	wait.Until(t, "the mount to tell what is wrong", func() bool { return len(reportIn(t, mountpoint).Problems) == 5 })
	wait.Until(t, "the hook to be told", func() bool {
		data, err := os.ReadFile(told)
		return err == nil && strings.Count(string(data), "MOONFIREFS_EVENT=camera-lost") == 5
	})
	requireNoLeakIn(t, filepath.Dir(told), func(string) bool { return false })
	_, metrics := scrape(t, metricsAddress(recorder))
	if leak := leaks(string(metrics)); leak != "" {
		t.Errorf("in the metrics: %q", leak)
	}
	for _, command := range [][]string{
		{"camera", "list"}, {"status"}, {"status", "--json"}, {"dir", "list"}, {"check", "--hash"}, {"keep", "--list"}, {"backup", filepath.Join(t.TempDir(), "copy")},
	} {
		try(command...)
	}
	for _, line := range processes(t, recorder.cmd.Process.Pid) {
		if leak := leaks(line); leak != "" {
			t.Errorf("in a command line: %q", leak)
		}
	}
	if n := requireNoLeakIn(t, mountpoint, func(string) bool { return false }); n < 3 {
		t.Errorf("the mount has %d files only", n)
	}
	recorder.stop()
	if !strings.Contains(recorder.output.String(), `what="session description"`) {
		t.Error("the session descriptions are not in the log at debug level")
	}
	if leak := leaks(recorder.output.String()); leak != "" {
		t.Errorf("in the log: %q", leak)
	}
	requireNoLeakIn(t, path, func(name string) bool { return strings.HasPrefix(name, "moonfire.db") })
	requireOnlyInCredentials(t, filepath.Join(path, "moonfire.db"))
}

// requireOnlyInCredentials searches the tables of an index, but for the columns
// that say how to connect.
func requireOnlyInCredentials(t *testing.T, database string) {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.db")
	tool(t, "sqlite3", database, ".backup "+copied)
	if leaks(tool(t, "sqlite3", copied, ".dump")) == "" {
		t.Error("the index has no credentials: nothing was planted")
	}
	tool(t, "sqlite3", copied, "update camera set username = '', password = ''; update stream set url = '';")
	if leak := leaks(tool(t, "sqlite3", copied, ".dump")); leak != "" {
		t.Errorf("in the index: %q", leak)
	}
	// Others must not read it either.
	info, err := os.Stat(database)
	mustDo(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the index has the mode %v", info.Mode())
	}
}
