// SPDX-License-Identifier: GPL-3.0-or-later

package doctest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/programbuild"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// patience bounds how long a document's commands may take: far longer than they do.
const patience = 4 * time.Minute

// prepared is what all machines have: the program and a store with footage.
type prepared struct {
	dir string
	err error
}

var prepareOnce sync.Once
var ready prepared

func TestMain(m *testing.M) {
	status := m.Run()
	if ready.dir != "" {
		_ = os.RemoveAll(ready.dir) // the tests have been judged
	}
	os.Exit(status)
}

func prepare(t *testing.T) *prepared {
	t.Helper()
	prepareOnce.Do(func() { ready.err = ready.make(context.Background()) })
	if ready.err != nil {
		t.Fatal(ready.err)
	}
	return &ready
}

func (p *prepared) make(ctx context.Context) (err error) {
	if p.dir, err = os.MkdirTemp("", "moonfirefs-doctest-"); err != nil {
		return err
	}
	if err := programbuild.Build(ctx, filepath.Join(p.dir, "moonfirefs")); err != nil {
		return err
	}
	return record(ctx, filepath.Join(p.dir, "store"))
}

// record makes the footage of which the documents speak.
func record(ctx context.Context, path string) error {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		return err
	}
	media, err := teststore.Encode(ctx, teststore.Params{Codec: teststore.H264, Width: 320, Height: 192, FPS: 5, Seconds: 60})
	if err != nil {
		return err
	}
	err = teststore.Create(ctx, path, zone.String(),
		teststore.Camera{Name: "driveway", RetainBytes: 1 << 30}, teststore.Camera{Name: "garden", RetainBytes: 1 << 30})
	if err != nil {
		return err
	}
	s, err := teststore.Open(ctx, path)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, folder := range []string{"driveway", "garden"} {
		// Two hours, and around midnight.
		for _, start := range []time.Time{
			time.Date(2026, 11, 22, 13, 3, 0, 0, zone), time.Date(2026, 11, 22, 14, 0, 0, 0, zone), time.Date(2026, 11, 22, 23, 48, 0, 0, zone),
		} {
			err := s.Record(ctx, teststore.Take{Folder: folder, Start: moonfirefs.FromTime(start), Recordings: 24, Seconds: 60, Media: media})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// machine is a copy of this one, from the moment when commands run in it until they
// have ended.
type machine struct {
	*prepared
	dir string
}

func newMachine(t *testing.T, p *prepared) *machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("a copy of the machine is made of mounts, and needs root")
	}
	return &machine{p, t.TempDir()}
}

// try runs commands and returns what they print.
func (m *machine) try(t *testing.T, commands string) (string, error) {
	t.Helper()
	script := filepath.Join(m.dir, "commands")
	if err := os.WriteFile(script, []byte(commands), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := filepath.Abs(top)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// Processes, mounts and sockets end with the first process of the namespaces.
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--propagation", "private", "--net", "--uts", "--ipc",
		"--pid", "--fork", "--kill-child", "sh", "machine.sh", m.dir, m.prepared.dir, source)
	cmd.WaitDelay = patience
	output, err := cmd.CombinedOutput()
	return string(output), err
}

func (p *prepared) run(t *testing.T, commands string) {
	t.Helper()
	output, err := newMachine(t, p).try(t, commands)
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	} else if testing.Verbose() {
		t.Log(output)
	}
}
