// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// liveAgainWithin is the promise: so long after a crash the mount is live again. It is
// required in the full form, which has the machine for itself.
const liveAgainWithin = 10 * time.Second

// TestKilledServer ensures that a server that is killed while programs read from
// it can be started again without help, and then shows the same bytes.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	m := mount(t, s.store)
	before := digest(t, m.mountpoint)
	paths := footageFiles(t, m.mountpoint)
	var reading, done sync.WaitGroup
	killed := make(chan struct{})
	for reader := range parallelReaders {
		f, err := os.Open(paths[reader%len(paths)])
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		reading.Add(1)
		done.Go(func() {
			buffer := make([]byte, 4096)
			_, err := f.ReadAt(buffer, 0)
			reading.Done()
			for err == nil || err == io.EOF {
				select {
				case <-killed:
					return
				default:
					_, err = f.ReadAt(buffer, 0)
				}
			}
		})
	}
	reading.Wait()
	m.kill()
	close(killed)
	done.Wait()
	start := time.Now()
	again := mountAt(t, s.store, m.mountpoint)
	if _, err := os.ReadDir(again.mountpoint); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); *full && took > liveAgainWithin {
		t.Errorf("the mount was live again after %v", took)
	}
	if diff := cmp.Diff(before, digest(t, again.mountpoint)); diff != "" {
		t.Errorf("-the mount had +the mount has:\n%s", diff)
	}
}
