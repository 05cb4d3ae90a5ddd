// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs/library"
)

// noIndex panics whatever it is asked.
type noIndex struct{ library.Index }

// Ensures that the index is asked for clips that can exist only.
func TestMalformedClipsCostNoQuery(t *testing.T) {
	catalog, err := library.New(library.Options{Index: noIndex{}, Zone: calendarOf(t, newYork).Zone})
	if err != nil {
		t.Fatal(err)
	}
	folder := &clipsDir{unlistedDir{node: node{tree: &tree{catalog: catalog}}}}
	lookup := func(name string) (code syscall.Errno, err error) {
		defer func() {
			if recover() != nil {
				err = errors.New("asked the index")
			}
		}()
		_, code = folder.Lookup(context.Background(), name, &fuse.EntryOut{})
		return code, nil
	}
	const good = "2026-11-22T13.05.00--13.07.30.mp4"
	if _, err := lookup(good); err == nil {
		t.Fatal("nobody asks the index, the test says nothing")
	}
	for range 5_000 {
		name := mutate(good)
		if n, ok := library.ParseClipName(name); ok {
			if _, exists := n.Interval(catalog.Calendar()); exists && !n.TooLong() {
				continue
			}
		}
		if code, err := lookup(name); err != nil || code != syscall.ENOENT && code != syscall.EINVAL {
			t.Errorf("%q: %v, %v", name, code, err)
		}
	}
}

// mutate changes a few characters of a name.
func mutate(name string) string {
	b := []byte(name)
	const characters = "0123456789.-+:T m4\x00\xff/"
	for range 1 + rand.IntN(4) {
		i := rand.IntN(len(b))
		switch c := characters[rand.IntN(len(characters))]; rand.IntN(3) {
		case 0:
			b[i] = c
		case 1:
			b = append(b[:i], append([]byte{c}, b[i:]...)...)
		case 2:
			b = append(b[:i], b[i+1:]...)
		}
	}
	return string(b)
}
