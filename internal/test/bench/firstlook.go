// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// firstLooks is row 13: what a disk that seeks would have to read for a first look, after a
// start with nothing in the kernel's memory. It counts and measures no time, so that it says
// the same on every machine.
func firstLooks(ctx context.Context, b *bench) error {
	store, err := b.bigStorePath(ctx)
	if err != nil {
		return err
	}
	// In the midst of the footage, of which nothing has been read.
	date := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -(b.days+1)/2).Format(time.DateOnly)
	hour := filepath.Join("camera1", date, "12.mp4")
	for _, look := range []struct {
		what    string
		command []string
	}{
		{"start of a mount", nil},
		{"`ls` of the root", []string{"ls", "."}},
		{"`ls -l` of the root, and so its pages", []string{"ls", "-l", "."}},
		{"`ls` of a camera", []string{"ls", "camera1"}},
		{"`ls -l` of a camera, and so its pages", []string{"ls", "-l", "camera1"}},
		{"`ls` of a date", []string{"ls", filepath.Join("camera1", date)}},
		{"`stat` of an hour", []string{"stat", hour}},
		{"`index.html` of a camera", []string{"cat", filepath.Join("camera1", "index.html")}},
	} {
		p, err := b.look(ctx, store, look.command)
		if err != nil {
			return fmt.Errorf("%s: %w", look.what, err)
		}
		b.note(13, "first look: "+look.what, "%d positions; %d pages; %.1f kB", p.seeks, p.pages, float64(p.bytes)/1e3)
	}
	return nil
}

// look mounts a store, runs a command in the mount, and counts what that reads of the index
// which the start has not read.
func (b *bench) look(ctx context.Context, store string, words []string) (p positions, err error) {
	trace := filepath.Join(b.dir, "look")
	s, err := b.serve(ctx, "msg=mounted", "strace", "-D", "-f", "-qq", "-y", "-s", "0", "-e", "trace=pread64", "-e", "signal=none",
		"-o", trace, b.program, "mount", "--store", store)
	if err != nil {
		return p, err
	}
	begun, err := os.ReadFile(trace)
	if err == nil && words != nil {
		err = commandIn(ctx, s.mountpoint, words)
	}
	if err := errors.Join(err, s.stop()); err != nil {
		return p, err
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		return p, err
	}
	seen := newPositions()
	seen.count(string(begun))
	if words == nil {
		return *seen, nil
	}
	seen.seeks, seen.pages, seen.bytes = 0, 0, 0
	seen.count(string(text[len(begun):]))
	return *seen, nil
}

// positions is a disk with one arm, and a kernel that remembers each page of 4 KiB that was
// read and never reads ahead.
type positions struct {
	seeks, pages int
	bytes        int64
	// last is the page that was read last.
	last  diskPage
	known map[diskPage]bool
	// begun are calls that strace tells of in two lines, by process.
	begun map[string]string
}

type diskPage struct {
	path   string
	number int64
}

const diskPageBytes = 4096

func newPositions() *positions {
	return &positions{known: make(map[diskPage]bool), begun: make(map[string]string)}
}

var (
	preadBegins = regexp.MustCompile(`pread64\(\d+<([^>]+)>`)
	preadEnds   = regexp.MustCompile(`, (\d+), (\d+)\) += (\d+)$`)
)

// count reads what strace has written.
func (p *positions) count(trace string) {
	for line := range strings.Lines(trace) {
		line = strings.TrimSuffix(line, "\n")
		process, _, _ := strings.Cut(line, " ")
		if m := preadBegins.FindStringSubmatch(line); m != nil {
			p.begun[process] = m[1]
		}
		if m := preadEnds.FindStringSubmatch(line); m != nil {
			offset, _ := strconv.ParseInt(m[2], 10, 64)
			n, _ := strconv.ParseInt(m[3], 10, 64)
			p.read(p.begun[process], offset, n)
		}
	}
}

func (p *positions) read(path string, offset, n int64) {
	for number := offset / diskPageBytes; number*diskPageBytes < offset+n; number++ {
		page := diskPage{path, number}
		if p.known[page] {
			continue
		}
		p.known[page] = true
		p.pages++
		p.bytes += diskPageBytes
		if page != (diskPage{p.last.path, p.last.number + 1}) {
			p.seeks++
		}
		p.last = page
	}
}
