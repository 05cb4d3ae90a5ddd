// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// ganesha is an NFS server, version 4, that exports a mount as docs/nfs.md says.
type ganesha struct {
	*viewer
	t    *testing.T
	dir  string
	port string
}

// start starts the server. It has to be started anew after the mount was.
func (g *ganesha) start() (stop func()) {
	g.t.Helper()
	cmd := exec.Command("ganesha.nfsd", "-F", "-f", filepath.Join(g.dir, "conf"), "-L", filepath.Join(g.dir, "log"), "-p", filepath.Join(g.dir, "pid"))
	var output syncbuffer.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	wait.Until(g.t, "nfs-ganesha to answer", func() bool {
		_, ok := g.try("nfs-ls", g.url(""))
		return ok
	})
	return stop
}

func (g *ganesha) url(path string) string {
	return fmt.Sprintf("nfs://127.0.0.1/footage/%s?version=4&nfsport=%s", path, g.port)
}

// get copies a file by NFS.
func (g *ganesha) get(path string) (data []byte, output string, ok bool) {
	g.t.Helper()
	local := filepath.Join(g.home, "got")
	_ = os.Remove(local) // there may be none
	output, ok = g.try("nfs-cp", g.url(path), local)
	if !ok {
		return nil, output, false
	}
	data, err := os.ReadFile(local)
	return data, output, err == nil
}

// TestNFS ensures that the mount can be exported by NFS. A server that runs on while the
// mount is served by another process has nothing to give, and never gives other footage; it
// is right again once it has been started anew.
func TestNFS(t *testing.T) {
	requireFull(t)
	t.Parallel()
	name := "nfs-ganesha " + debianVersion(t, "nfs-ganesha")
	s := newScene(t)
	m := mount(t, s.store)
	g := &ganesha{viewer: newViewer(t), t: t, dir: tempDir(t), port: freePort(t)}
	g.configure(m.mountpoint)
	stop := g.start()
	copiers.check(t, name, "same bytes", func(t *testing.T) { g.sameBytes(t, m) })
	copiers.check(t, name, "names, sizes, times", func(t *testing.T) { g.sameSizes(t, m) })
	copiers.check(t, name, "write refused", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(g.home, "new"), []byte("new"), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"new.mp4", s.movies["hour"][0].path} {
			if output, ok := g.try("nfs-cp", filepath.Join(g.home, "new"), g.url(path)); ok {
				t.Errorf("%s was written: %s", path, output)
			}
		}
	})
	copiers.check(t, name, "again", func(t *testing.T) {
		m.stop()
		m = mountAt(t, s.store, m.mountpoint)
		path := s.movies["hour"][0].path
		want, err := os.ReadFile(m.path(path))
		if err != nil {
			t.Fatal(err)
		}
		if got, _, ok := g.get(path); ok && !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes after a restart of the mount", path)
		}
		stop()
		stop = g.start()
		g.sameBytes(t, m)
	})
	stop()
}

// configure writes the configuration of docs/nfs.md, at a port of its own.
func (g *ganesha) configure(mountpoint string) {
	g.t.Helper()
	example, err := os.ReadFile(filepath.Join(examples, "ganesha.conf"))
	if err != nil {
		g.t.Fatal(err)
	}
	conf := string(example)
	for from, to := range map[string]string{
		"Path = /mnt/nvr;": "Path = " + mountpoint + ";",
		"NFS_CORE_PARAM {": "NFS_CORE_PARAM {\n    NFS_Port = " + g.port + ";\n    Bind_addr = 127.0.0.1;",
		"NFSv4 {":          "NFSv4 {\n    RecoveryRoot = " + g.dir + ";",
	} {
		if strings.Count(conf, from) != 1 {
			g.t.Fatalf("examples/ganesha.conf has no %q", from)
		}
		conf = strings.Replace(conf, from, to, 1)
	}
	if err := os.WriteFile(filepath.Join(g.dir, "conf"), []byte(conf), 0o644); err != nil {
		g.t.Fatal(err)
	}
}

func (g *ganesha) sameBytes(t *testing.T, m *server) {
	t.Helper()
	for _, path := range footageFiles(t, m.mountpoint) {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(path, m.mountpoint+"/")
		if got, output, ok := g.get(name); !ok || !bytes.Equal(got, want) {
			t.Errorf("%s differs by NFS: %s", name, output)
		}
	}
}

// sameSizes compares what is listed.
func (g *ganesha) sameSizes(t *testing.T, m *server) {
	t.Helper()
	listed := make(map[string]string)
	for line := range strings.Lines(string(g.run(t, "nfs-ls", "-R", g.url("")))) {
		if fields := strings.Fields(line); len(fields) == 6 {
			listed[fields[5]] = fields[4]
		}
	}
	for _, path := range footageFiles(t, m.mountpoint) {
		name := strings.TrimPrefix(path, m.mountpoint+"/")
		if want := fmt.Sprint(statSize(t, path)); listed[name] != want {
			t.Errorf("%s: NFS says %q bytes, want %s", name, listed[name], want)
		}
	}
}
