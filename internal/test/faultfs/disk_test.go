// SPDX-License-Identifier: GPL-3.0-or-later

package faultfs

import (
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// fill makes a file with some data, none of it durable.
func fill(t *testing.T, d *disk, name, data string) *file {
	t.Helper()
	f, errno := d.create(name)
	if errno != 0 {
		t.Fatal(errno)
	}
	if errno := d.write(f, []byte(data), 0); errno != 0 {
		t.Fatal(errno)
	}
	return f
}

func must(t *testing.T, errno syscall.Errno) {
	t.Helper()
	if errno != 0 {
		t.Fatal(errno)
	}
}

// contents maps the names that programs see to what they read.
func contents(t *testing.T, d *disk) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, name := range d.names() {
		f, errno := d.lookup(name)
		if errno != 0 {
			t.Fatal(errno)
		}
		data := make([]byte, 100)
		all[name] = string(data[:d.read(f, data, 0)])
	}
	return all
}

// TestCutKeepsWhatWasSynchronized ensures that a power cut keeps names by fsync of
// the directory alone, and data by fsync of the file alone.
func TestCutKeepsWhatWasSynchronized(t *testing.T) {
	d := newDisk()
	dataOnly := fill(t, d, "unnamed", "data")
	must(t, d.sync(dataOnly))
	// What follows is not in the directory when that is synchronized.
	must(t, d.unlink("unnamed"))
	both := fill(t, d, "both", "durable")
	must(t, d.sync(both))
	must(t, d.write(both, []byte(", and not"), 7))
	fill(t, d, "named", "data")
	fill(t, d, "back", "")
	fill(t, d, "old", "")
	must(t, d.syncNames())
	must(t, d.unlink("back"))
	must(t, d.rename("old", "new"))
	must(t, d.sync(fill(t, d, "late", "data")))

	d.cut(0)
	d.restore()
	got := contents(t, d)
	want := map[string]string{"both": "durable", "named": "", "back": "", "old": ""}
	if len(got) != len(want) {
		t.Errorf("there are %q, want %q", got, want)
	}
	for name, data := range want {
		if found, ok := got[name]; !ok || found != data {
			t.Errorf("%s: there is %q (%v), want %q", name, found, ok, data)
		}
	}
}

// TestCutWithSeedKeepsSomeMore ensures that a seed keeps some of the rest, never
// less than what is durable, and the same each time.
func TestCutWithSeedKeepsSomeMore(t *testing.T) {
	outcomes := make(map[int]bool)
	for seed := range uint64(20) {
		var first []string
		for range 2 {
			d := newDisk()
			for _, name := range []string{"a", "b", "c"} {
				fill(t, d, name, "data")
			}
			must(t, d.sync(fill(t, d, "durable", "data")))
			durable := d.live["durable"]
			d.durable["durable"] = durable
			d.cut(seed)
			d.restore()
			names := d.names()
			if !slices.Contains(names, "durable") || contents(t, d)["durable"] != "data" {
				t.Fatalf("seed %d: what was synchronized is lost: %q", seed, names)
			}
			if first != nil && !slices.Equal(first, names) {
				t.Errorf("seed %d: %q, then %q", seed, first, names)
			}
			first = names
		}
		outcomes[len(first)] = true
	}
	if !outcomes[1] || len(outcomes) < 3 {
		t.Errorf("twenty seeds have left only these numbers of files: %v", outcomes)
	}
}

// TestNothingHappensAfterACut ensures that an operation which was let through just
// before a power cut changes nothing afterwards.
func TestNothingHappensAfterACut(t *testing.T) {
	d := newDisk()
	f := fill(t, d, "a", "data")
	must(t, d.sync(f))
	must(t, d.syncNames())
	d.cut(0)
	_, createErrno := d.create("b")
	for _, errno := range []syscall.Errno{
		createErrno, d.write(f, []byte("x"), 0), d.truncate(f, 0), d.sync(f), d.syncNames(), d.unlink("a"), d.rename("a", "b"), d.gate.pass(opRead),
	} {
		if errno != unix.EIO {
			t.Errorf("an operation says %v, not EIO", errno)
		}
	}
	d.restore()
	if got := contents(t, d); len(got) != 1 || got["a"] != "data" {
		t.Errorf("there is %q", got)
	}
}

// TestGateFailsTheNth ensures that one operation fails, of the kinds that were
// named.
func TestGateFailsTheNth(t *testing.T) {
	g := newGate()
	g.fail(fault{errno: unix.ENOSPC, nth: 2, kinds: []string{opWrite}})
	var got []syscall.Errno
	for _, kind := range []string{opWrite, opRead, opWrite, opWrite} {
		got = append(got, g.pass(kind))
	}
	if !slices.Equal(got, []syscall.Errno{0, 0, unix.ENOSPC, 0}) || g.injected() != 1 {
		t.Errorf("operations said %v, %d failed", got, g.injected())
	}
}

// TestGateStalls ensures that operations wait, and that a power cut ends it.
func TestGateStalls(t *testing.T) {
	g := newGate()
	g.stall([]string{opFsync})
	if errno := g.pass(opWrite); errno != 0 {
		t.Error(errno)
	}
	outcome := make(chan syscall.Errno)
	go func() { outcome <- g.pass(opFsync) }()
	g.setOff(true)
	if errno := <-outcome; errno != unix.EIO {
		t.Errorf("the stalled operation says %v", errno)
	}
	g.setOff(false)
	go func() { outcome <- g.pass(opFsync) }()
	g.stall(nil)
	if errno := <-outcome; errno != 0 {
		t.Errorf("the stalled operation says %v", errno)
	}
}
