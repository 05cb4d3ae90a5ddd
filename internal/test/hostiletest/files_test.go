// SPDX-License-Identifier: GPL-3.0-or-later

package hostiletest

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// strangers are what can be in the place of a file.
var strangers = map[string]func(path string) error{
	"a FIFO":            func(path string) error { return unix.Mkfifo(path, 0o600) },
	"a device":          func(path string) error { return unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))) },
	"a socket":          func(path string) error { return unix.Mknod(path, unix.S_IFSOCK|0o600, 0) },
	"a folder":          func(path string) error { return os.Mkdir(path, 0o700) },
	"a link to zeros":   func(path string) error { return os.Symlink("/dev/zero", path) },
	"a link to nowhere": func(path string) error { return os.Symlink("nowhere", path) },
	"a terabyte": func(path string) error {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Truncate(1 << 40)
	},
}

// fileChanges put strangers into the place of each file of a store.
var fileChanges = func() map[string]change {
	all := make(map[string]change)
	for what, stranger := range strangers {
		place := func(name func(*scene) string) func(testing.TB, *scene) {
			return func(t testing.TB, s *scene) {
				t.Helper()
				must(t, os.RemoveAll(name(s)), stranger(name(s)))
			}
		}
		sample := expectation{check: "regular", damaged: []string{"12.mp4"}}
		if what == "a terabyte" {
			sample.check = "has 1099511627776 bytes"
		}
		all[what+" for a sample file"] = change{place(func(s *scene) string { return s.samples(s.first) }), sample}
		all[what+" for meta"] = change{place(func(s *scene) string { return s.samples("meta") }), expectation{check: "meta", unopened: true}}
		lock := expectation{}
		all[what+" for the lock"] = change{place(func(s *scene) string { return s.samples("lock") }), lock}
		all[what+" for a journal"] = change{place(func(s *scene) string { return s.samples(s.first + ".journal") }), expectation{}}
		database := expectation{check: "database", unopened: true}
		if what == "a link to nowhere" {
			database.check = "it has no moonfire.db"
		}
		all[what+" for the index"] = change{place((*scene).index), database}
		for _, suffix := range []string{"-wal", "-shm", "-journal"} {
			beside := expectation{check: suffix, unopened: true}
			switch {
			case what == "a link to nowhere" && suffix != "-journal":
				beside.check = "symbolic links"
			case what == "a terabyte" || what == "a link to nowhere":
				beside = expectation{}
			}
			all[what+" for the index's "+suffix] = change{place(func(s *scene) string { return s.index() + suffix }), beside}
		}
		all[what+" for the directory"] = change{func(t testing.TB, s *scene) {
			must(t, os.RemoveAll(s.samples("")), stranger(s.samples("")[:len(s.samples(""))]))
		}, expectation{check: "samples", unopened: true}}
		all[what+" for the socket"] = change{place(func(s *scene) string { return s.path + "/status.sock" }), expectation{}}
		all[what+" for an orphan"] = change{place(func(s *scene) string { return s.samples("01234567-89ab-cdef-0123-456789abcdef") }), expectation{check: "orphan"}}
	}
	return all
}()
