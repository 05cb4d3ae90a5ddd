// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// Who logs in in these tests: an account that Debian has for no purpose.
const (
	sambaUser     = "games"
	sambaPassword = "s3cret"
)

// samba is an smbd that shares a mount as examples/smb.conf says, with its port
// and all that it writes in a place of their own.
type samba struct {
	*viewer
	t    *testing.T
	conf string
	port string
}

// startSamba needs root: smbd becomes the user who logs in.
func startSamba(t *testing.T, mountpoint string) *samba {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("smbd becomes the user who logs in, and must be started by root")
	}
	s := &samba{viewer: newViewer(t), t: t, port: freePort(t)}
	s.configure(mountpoint)
	s.administer("smbpasswd", sambaPassword+"\n"+sambaPassword+"\n", "-c", s.conf, "-s", "-a", sambaUser)
	cmd := exec.Command("smbd", "--foreground", "--no-process-group", "--debug-stdout", "--configfile="+s.conf)
	var output syncbuffer.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	// A group of its own, so that it ends together with those that it starts.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // those that serve clients
		if t.Failed() {
			t.Logf("smbd printed:\n%s", &output)
		}
	})
	wait.Until(t, "smbd to listen", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return s
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// configure makes the configuration out of the example.
func (s *samba) configure(mountpoint string) {
	s.t.Helper()
	example, err := os.ReadFile("../../../examples/smb.conf")
	if err != nil {
		s.t.Fatal(err)
	}
	dir := tempDir(s.t)
	var private strings.Builder
	fmt.Fprintf(&private, "[global]\n smb ports = %s\n bind interfaces only = yes\n interfaces = lo\n log level = 1\n pid directory = %s\n",
		s.port, dir)
	for _, name := range []string{"private dir", "state directory", "cache directory", "lock directory", "ncalrpc dir"} {
		path := filepath.Join(dir, strings.Fields(name)[0])
		if err := os.Mkdir(path, 0o755); err != nil {
			s.t.Fatal(err)
		}
		fmt.Fprintf(&private, " %s = %s\n", name, path)
	}
	fmt.Fprintf(&private, " passdb backend = tdbsam:%s/passdb.tdb\n", dir)
	conf := string(example)
	for from, to := range map[string]string{
		"[global]\n": private.String(), "path = /mnt/nvr\n": "path = " + mountpoint + "\n",
		"valid users = alice\n": "valid users = " + sambaUser + "\n", "force user = moonfirefs\n": "force user = nobody\n",
	} {
		if strings.Count(conf, from) != 1 {
			s.t.Fatalf("examples/smb.conf has no line %q", from)
		}
		conf = strings.Replace(conf, from, to, 1)
	}
	s.conf = filepath.Join(dir, "smb.conf")
	if err := os.WriteFile(s.conf, []byte(conf), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// administer runs a program of Samba's, as root.
func (s *samba) administer(name, input string, args ...string) {
	s.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	if output, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v: %s", name, err, output)
	}
}

// client prepares smbclient with commands.
func (s *samba) client(commands string) *exec.Cmd {
	return s.command("smbclient", "//127.0.0.1/footage", "-p", s.port, "-s", s.conf,
		"-U", sambaUser+"%"+sambaPassword, "-m", "SMB3", "--timeout=600", "-c", commands)
}

func (s *samba) do(t *testing.T, commands string) string {
	t.Helper()
	output, err := s.client(commands).CombinedOutput()
	if err != nil || strings.Contains(string(output), "NT_STATUS") {
		t.Fatalf("smbclient %s: %v\n%s", commands, err, output)
	}
	return string(output)
}

// TestSamba ensures that the mount can be shared over the network: names, sizes,
// times, free space and bytes arrive, what is open stays as it is, and nothing
// can be written.
func TestSamba(t *testing.T) {
	t.Parallel()
	name := "Samba " + debianVersion(t, "samba")
	s := newScene(t)
	m := mount(t, s.store)
	before := digest(t, s.store)
	share := startSamba(t, m.mountpoint)
	tests := map[string]func(*testing.T, *samba, *server, *scene){
		"names, sizes, times": testSambaList, "same bytes": testSambaGet, "write refused": testSambaWrite,
	}
	for property, test := range tests {
		copiers.check(t, name, property, func(t *testing.T) { test(t, share, m, s) })
	}
	if diff := cmp.Diff(before, digest(t, s.store)); diff != "" {
		t.Errorf("-the store was +the store is:\n%s", diff)
	}
	copiers.check(t, name, "growing hour", func(t *testing.T) { testSambaOpen(t, 3, 1) })
	copiers.check(t, name, "rotated away", func(t *testing.T) { testSambaOpen(t, 3, 5) })
}

// listed is a file as smbclient's recursive ls prints it.
var listed = regexp.MustCompile(`^  (\S+) +\w* +(\d+)  (\w+ \w+ +\d+ \d+:\d+:\d+ \d+)$`)

func testSambaList(t *testing.T, share *samba, m *server, _ *scene) {
	out := share.do(t, "recurse ON; ls")
	got := make(map[string]string)
	folder := ""
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, `\`) {
			folder = strings.ReplaceAll(line[1:], `\`, "/") + "/"
		} else if match := listed.FindStringSubmatch(line); match != nil && strings.HasSuffix(match[1], ".mp4") {
			at, err := time.Parse("Mon Jan _2 15:04:05 2006", match[3])
			if err != nil {
				t.Fatal(err)
			}
			got[folder+match[1]] = fmt.Sprintf("%s bytes, %d", match[2], at.Unix())
		}
	}
	for _, path := range footageFiles(t, m.mountpoint) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(path, m.mountpoint+"/")
		if want := fmt.Sprintf("%d bytes, %d", info.Size(), info.ModTime().Unix()); got[name] != want {
			t.Errorf("%s: Samba says %q, want %q", name, got[name], want)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("Samba also lists %v", got)
	}
	sameSpace(t, out, m.mountpoint)
}

// sameSpace requires smbclient to tell the space that a folder of the mount has.
func sameSpace(t *testing.T, out, folder string) {
	t.Helper()
	var space syscall.Statfs_t
	if err := syscall.Statfs(folder, &space); err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`(\d+) blocks of size (\d+)\. (\d+) blocks available`).FindStringSubmatch(out)
	if match == nil {
		t.Fatalf("smbclient does not tell the free space: %s", out)
	}
	var blocks, blockBytes int64
	scan(t, []byte(match[1]), &blocks)
	scan(t, []byte(match[2]), &blockBytes)
	if want := int64(space.Blocks) * space.Frsize; want == 0 || blocks*blockBytes/1000 != want/1000 && (blocks+1)*blockBytes < want {
		t.Errorf("Samba says %d × %d bytes, the mount %d", blocks, blockBytes, want)
	}
}

// TestSambaOfCamera ensures that the folder of one camera can be shared by itself, with the
// space of its disk.
func TestSambaOfCamera(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	m := mount(t, s.store)
	share := startSamba(t, m.path("driveway"))
	copiers.check(t, "Samba "+debianVersion(t, "samba")+", one camera", "same bytes", func(t *testing.T) {
		sameSpace(t, share.do(t, "ls"), m.path("driveway"))
		path, local := strings.TrimPrefix(s.movies["hour"][0].path, "driveway/"), filepath.Join(share.home, "got")
		share.do(t, fmt.Sprintf(`get %s %s`, strings.ReplaceAll(path, "/", `\`), local))
		if mustDigest(t, local) != mustDigest(t, m.path("driveway/"+path)) {
			t.Errorf("%s differs over SMB", path)
		}
	})
}

func testSambaGet(t *testing.T, share *samba, m *server, s *scene) {
	names := []string{}
	for _, path := range footageFiles(t, m.mountpoint) {
		names = append(names, strings.TrimPrefix(path, m.mountpoint+"/"))
	}
	for _, movie := range s.movies["clip by name"] {
		names = append(names, movie.path)
	}
	for _, name := range names {
		local := filepath.Join(share.home, "got")
		share.do(t, fmt.Sprintf(`get %s %s`, strings.ReplaceAll(name, "/", `\`), local))
		if mustDigest(t, local) != mustDigest(t, m.path(name)) {
			t.Errorf("%s differs over SMB", name)
		}
	}
}

func testSambaWrite(t *testing.T, share *samba, _ *server, s *scene) {
	if err := os.WriteFile(filepath.Join(share.home, "new"), []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	hour := strings.ReplaceAll(s.movies["hour"][0].path, "/", `\`)
	for _, command := range []string{
		"put new new.mp4", "put new " + hour, "del " + hour, "mkdir new", `rmdir driveway`, "rename " + hour + " other.mp4",
		"setmode " + hour + " +r-h", `deltree driveway`, "utimes " + hour + " -1 -1 -1 2020:01:01-00:00:00",
	} {
		output, err := share.client(command).CombinedOutput()
		if err == nil && !strings.Contains(string(output), "NT_STATUS_") {
			t.Errorf("smbclient %s succeeded: %s", command, output)
		}
	}
}

// testSambaOpen opens the newest hour over SMB, reads a little of it, has so many
// recordings made, of which the store keeps three, and reads the rest.
func testSambaOpen(t *testing.T, keep int64, recordings int) {
	g := newGrowing(t, heavyMedia(t), keep)
	g.record(2)
	m := mount(t, g.path)
	const name = "yard/2026-11-22/13.mp4"
	want, size := mustDigest(t, m.path(name)), statSize(t, m.path(name))
	dropCaches(t, m.path(name))
	share := startSamba(t, m.mountpoint)

	cmd := share.client(`get yard\2026-11-22\13.mp4 -`)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hash, reader := sha256.New(), bufio.NewReader(stdout)
	if _, err := io.CopyN(hash, reader, 1000); err != nil {
		t.Fatal(err)
	}
	g.record(recordings)
	wait.Until(t, "the hour to change", func() bool {
		info, err := os.Stat(m.path(name))
		return err != nil || info.Size() != size
	})
	n, err := io.CopyN(hash, reader, size-1000)
	if err != nil {
		_ = cmd.Wait() // the reason is in what it printed
		t.Fatalf("%d bytes, then %v: %s", n, err, &stderr)
	}
	rest, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || bytes.Contains(stderr.Bytes(), []byte("NT_STATUS")) {
		t.Errorf("smbclient: %v: %s", err, &stderr)
	}
	if got := fmt.Sprintf("%x", hash.Sum(nil)); got != want || len(rest) > 1000 {
		t.Errorf("what was open has changed, or has %d bytes more", len(rest))
	}
}
