// SPDX-License-Identifier: GPL-3.0-or-later

package objects_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/objects"
)

// notedBytes is the size of the objects of these tests: some blocks.
const notedBytes = 3<<20 + 12345

// noted is a cache that several processes use, one after the other.
type noted struct {
	*fixture
	path string
	data map[uuid.UUID][]byte
}

func newNoted(t *testing.T, objectCount int) (n *noted, names []uuid.UUID) {
	n = &noted{newFixture(t, objects.Options{}), filepath.Join(t.TempDir(), "cache"), make(map[uuid.UUID][]byte)}
	for range objectCount {
		name := uuid.New()
		n.data[name] = n.publish(name, notedBytes)
		names = append(names, name)
	}
	return n, names
}

func (n *noted) file(name uuid.UUID) string { return filepath.Join(n.path, name.String()) }

// process has work done as by a new process.
func (n *noted) process(work func(dir *objects.Dir)) {
	n.Helper()
	cache := openCache(n.T, n.path, 1<<30)
	dir := n.open(objects.Options{Cache: cache, Patience: patience})
	work(dir)
	n.must(dir.Close())
	n.must(cache.Close())
}

// verifies requires that an object can be passed on as it is, and tells whether it had to be
// read for that.
func (n *noted) verifies(dir *objects.Dir, name uuid.UUID) bool {
	n.Helper()
	file, err := dir.Open(name, notedBytes)
	n.must(err)
	defer file.Release()
	before := bytesRead(n.T)
	_, ok, err := file.Fd(0, notedBytes)
	read := bytesRead(n.T) - before
	if n.must(err); !ok || !n.hasFile(file, 0, n.data[name]) {
		n.Error("it cannot be passed on as it is")
	}
	return read > 1<<20
}

// bytesRead is how much this process has read.
func bytesRead(t *testing.T) (count int64) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err == nil {
		_, err = fmt.Sscanf(string(text), "rchar: %d", &count)
	}
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// awaitNoted has the cache filled, and waits until new processes verify nothing any more, which
// they may as soon as nothing has changed for a while.
func (n *noted) awaitNoted() {
	n.Helper()
	wait.Until(n.T, "nothing to be verified", func() (none bool) {
		none = true
		n.process(func(dir *objects.Dir) {
			for name := range n.data {
				none = !n.verifies(dir, name) && none
			}
		})
		return none
	})
}

// TestVerifiedOnce ensures that blocks that one process has verified need not be read by the
// next one, and that everything is read again that has changed in any way, whether or not a
// process has the file open; no wrong byte is served.
func TestVerifiedOnce(t *testing.T) {
	changes := []struct {
		name   string
		change func(n *noted, path string)
	}{
		{"nothing", func(*noted, string) {}},
		{"a byte", func(n *noted, path string) { n.spoil(path, 1<<20+5) }},
		{"its length and back", func(n *noted, path string) {
			trailer, err := os.ReadFile(path)
			n.must(err)
			n.must(os.Truncate(path, 1<<20))
			n.must(os.Truncate(path, notedBytes))
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			n.must(err)
			_, err = file.Write(trailer[notedBytes:])
			n.must(err)
			n.must(file.Close())
		}},
		{"its times, with a byte", func(n *noted, path string) {
			info, err := os.Stat(path)
			n.must(err)
			n.spoil(path, 7)
			n.must(os.Chtimes(path, info.ModTime(), info.ModTime()))
		}},
		{"the file", func(n *noted, path string) {
			data, err := os.ReadFile(path)
			n.must(err)
			data[9] ^= 1
			n.must(os.WriteFile(path+".copy", data, 0o600))
			n.must(os.Rename(path+".copy", path))
		}},
	}
	n, names := newNoted(t, 2*len(changes))
	n.awaitNoted()
	for i, c := range changes { // while no process has it open
		c.change(n, n.file(names[i]))
	}
	open := names[len(changes):]
	n.process(func(dir *objects.Dir) {
		for i, c := range changes {
			if got, want := n.verifies(dir, names[i]), c.name != "nothing"; got != want {
				t.Errorf("changed is %s: verified anew is %v", c.name, got)
			}
			n.verifies(dir, open[i])
			c.change(n, n.file(open[i]))
		}
	})
	n.process(func(dir *objects.Dir) {
		for i, c := range changes {
			if got, want := n.verifies(dir, open[i]), c.name != "nothing"; got != want {
				t.Errorf("changed while it was in use is %s: verified anew is %v", c.name, got)
			}
		}
	})
}

// TestVerifiedDistrusted ensures that what a process has noted counts for nothing once it is
// damaged, or the machine was started anew.
func TestVerifiedDistrusted(t *testing.T) {
	n, names := newNoted(t, 1)
	path := filepath.Join(n.path, "verified")
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	n.must(err)
	for what, change := range map[string]func(text []byte) []byte{
		"another boot": func(text []byte) []byte {
			_, text, _ = bytes.Cut(text, []byte("\n"))
			text = bytes.ReplaceAll(text, bytes.TrimSpace(boot), []byte(uuid.NewString()))
			return slices.Concat(fmt.Appendf(nil, "%x\n", sha256.Sum256(text)), text)
		},
		"another byte": func(text []byte) []byte { return []byte(strings.Replace(string(text), `"blocks":"`, `"blocks":"/`, 1)) },
		"a part of it": func(text []byte) []byte { return text[:len(text)/2] },
		"nothing":      func([]byte) []byte { return nil },
	} {
		n.awaitNoted()
		text, err := os.ReadFile(path)
		n.must(err)
		n.must(os.WriteFile(path, change(text), 0o600))
		n.process(func(dir *objects.Dir) {
			if !n.verifies(dir, names[0]) {
				t.Errorf("%s: nothing was verified", what)
			}
		})
	}
}
