// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// dlna is a minidlnad that offers a mount to televisions. It learns of nothing by itself:
// who starts it has it look at all files (-R).
type dlna struct {
	t             *testing.T
	dir, database string
	port          string
}

// scan starts the server anew, and returns once it has looked at all files.
func (d *dlna) scan() (stop func()) {
	d.t.Helper()
	cmd := exec.Command("minidlnad", "-S", "-R", "-f", filepath.Join(d.dir, "conf"), "-P", filepath.Join(d.dir, "pid"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var output syncbuffer.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	log := filepath.Join(d.dir, "minidlna.log")
	wait.Until(d.t, "minidlna to have looked at all files", func() bool {
		text, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(text), "Finished parsing playlists") || strings.Contains(output.String(), "Finished parsing playlists")
	})
	return func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
		_ = os.Remove(log)
	}
}

// item returns the number of a file, with the size and the duration that televisions are told.
func (d *dlna) item(path string) (id, says string) {
	d.t.Helper()
	out, err := exec.Command("sqlite3", "-readonly", d.database,
		fmt.Sprintf("SELECT ID, SIZE || ' bytes, ' || MIME FROM DETAILS WHERE PATH = '%s'", path)).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%v: %s", err, out)
	}
	id, says, _ = strings.Cut(strings.TrimSpace(string(out)), "|")
	return id, says
}

// TestMiniDLNA ensures that a DLNA server finds the hours, tells their sizes and hands out
// their bytes, and that a rescan finds what has been recorded since.
func TestMiniDLNA(t *testing.T) {
	requireFull(t)
	t.Parallel()
	name := "minidlna " + debianVersion(t, "minidlna")
	g := newGrowing(t, mustMedia(t, mainMedia), 1000)
	g.record(3)
	m := mount(t, g.path)
	d := &dlna{t: t, dir: tempDir(t), port: freePort(t)}
	d.database = filepath.Join(d.dir, "files.db")
	conf := fmt.Sprintf("port=%s\nmedia_dir=V,%s\ndb_dir=%s\nlog_dir=%s\nnetwork_interface=lo\ninotify=no\nuuid=3c4b1a52-0000-4000-8000-000000000001\n",
		d.port, m.mountpoint, d.dir, d.dir)
	if err := os.WriteFile(filepath.Join(d.dir, "conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	path := m.path("yard/2026-11-22/13.mp4")
	copiers.check(t, name, "same bytes", func(t *testing.T) {
		defer d.scan()()
		d.offers(t, path)
	})
	copiers.check(t, name, "growing hour", func(t *testing.T) {
		size := statSize(t, path)
		g.record(1)
		g.skipTo(14)
		g.record(1)
		later := m.path("yard/2026-11-22/14.mp4")
		wait.Until(t, "the next hour", func() bool { _, err := os.Stat(later); return err == nil && statSize(t, path) > size })
		defer d.scan()()
		d.offers(t, path)
		d.offers(t, later)
	})
}

// offers requires a file to be offered as it is.
func (d *dlna) offers(t *testing.T, path string) {
	t.Helper()
	id, says := d.item(path)
	if want := fmt.Sprintf("%d bytes, video/mp4", statSize(t, path)); says != want {
		t.Fatalf("%s: minidlna says %q, want %q", path, says, want)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := httpGet(t, fmt.Sprintf("http://127.0.0.1:%s/MediaItems/%s.mp4", d.port, id), http.StatusOK, nil)
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs by DLNA", path)
	}
}
