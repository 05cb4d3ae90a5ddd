// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// viewerID is the user and group that reads the mount: nobody. Some programs
// refuse to run as root, and root may read what others may not.
const viewerID = 65534

// viewerFlags give the viewer the files of a mount. Who is not root cannot become
// another user, and reads them as himself.
func viewerFlags() []string {
	if os.Getuid() != 0 {
		return nil
	}
	return []string{"--uid", fmt.Sprint(viewerID), "--gid", fmt.Sprint(viewerID)}
}

// viewer is somebody at the other end: an unprivileged user with a home.
type viewer struct{ home string }

func newViewer(t *testing.T) *viewer {
	t.Helper()
	v := &viewer{home: tempDir(t)}
	if os.Getuid() == 0 {
		if err := os.Chown(v.home, viewerID, viewerID); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(v.home, 0o700); err != nil {
		t.Fatal(err)
	}
	return v
}

// systemPath is where Debian's programs are. Whoever runs these tests may have
// others, which other users cannot reach.
const systemPath = "/usr/sbin:/usr/bin:/sbin:/bin"

// command prepares a program that the viewer runs.
func (v *viewer) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("/usr/bin/env", append([]string{name}, args...)...)
	cmd.Dir = v.home
	cmd.Env = []string{"PATH=" + systemPath, "HOME=" + v.home, "XDG_RUNTIME_DIR=" + v.home, "TMPDIR=" + v.home, "LANG=C.UTF-8"}
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: viewerID, Gid: viewerID}}
	}
	return cmd
}

// run runs a program that must succeed and have nothing to say on standard error.
func (v *viewer) run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := v.command(name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := finish(cmd, toolPatience); err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, stderr.String())
	}
	return stdout.Bytes()
}

// try runs a program and returns all that it printed and whether it succeeded.
func (v *viewer) try(name string, args ...string) (output string, ok bool) {
	var printed bytes.Buffer
	cmd := v.command(name, args...)
	cmd.Stdout, cmd.Stderr = &printed, &printed
	err := finish(cmd, toolPatience)
	return printed.String(), err == nil
}

// toolPatience bounds how long a program may take: an hour in VLC takes two
// minutes, and eight on a busy machine.
const toolPatience = 12 * time.Minute

// finish runs a command to its end, or ends it when the time is over.
func finish(cmd *exec.Cmd, limit time.Duration) error {
	cmd.WaitDelay = wait.Limit // for children that keep the pipes
	if err := cmd.Start(); err != nil {
		return err
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if !timer.Stop() {
		return fmt.Errorf("it did not end in %v: %w", limit, err)
	}
	return err
}

// debianVersion is the version of an installed package, without what Debian adds.
func debianVersion(t *testing.T, pkg string) string {
	t.Helper()
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", pkg).Output()
	if err != nil {
		t.Fatalf("package %s is not installed (tools/setup.sh installs it)", pkg)
	}
	version := string(out)
	if _, after, ok := strings.Cut(version, ":"); ok {
		version = after
	}
	version, _, _ = strings.Cut(version, "-")
	version, _, _ = strings.Cut(version, "+")
	return version
}
