// SPDX-License-Identifier: GPL-3.0-or-later

//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// point is a place where something happens.
type point struct {
	kind  string // kill, error, delay, skip or on
	errno syscall.Errno
	delay time.Duration
	// nth is the one hit that counts; 0 means each.
	nth  int64
	hits atomic.Int64
}

// parse reads what design/faults.md calls a fault list.
func parse(text string) (map[string]*point, error) {
	points := make(map[string]*point)
	for _, assignment := range strings.Fields(text) {
		name, action, ok := strings.Cut(assignment, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not name=action", assignment)
		}
		p, err := parsePoint(action)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", assignment, err)
		}
		points[name] = p
	}
	return points, nil
}

func parsePoint(action string) (p *point, err error) {
	p = &point{}
	action, nth, limited := strings.Cut(action, "@")
	if limited {
		if p.nth, err = strconv.ParseInt(nth, 10, 64); err != nil || p.nth < 1 {
			return nil, fmt.Errorf("%q is not the number of a hit", nth)
		}
	}
	kind, argument, _ := strings.Cut(action, ":")
	p.kind = kind
	switch kind {
	case "kill", "skip", "on":
		return p, nil
	case "error":
		p.errno, err = parseErrno(argument)
		return p, err
	case "delay":
		p.delay, err = time.ParseDuration(argument)
		return p, err
	}
	return nil, fmt.Errorf("action %q is not known", kind)
}

func parseErrno(name string) (syscall.Errno, error) {
	for _, errno := range []syscall.Errno{unix.EIO, unix.ENOSPC, unix.EROFS} {
		if unix.ErrnoName(errno) == name {
			return errno, nil
		}
	}
	return 0, fmt.Errorf("error %q is not known", name)
}

// sleep is what a delay does; tests replace it.
var sleep = time.Sleep

// hit does what is to happen here.
func (p *point) hit(name string) error {
	if n := p.hits.Add(1); p.nth != 0 && n != p.nth {
		return nil
	}
	// Tests look for this line, to tell a fault that was survived from one that
	// was never injected.
	fmt.Fprintf(os.Stderr, "failpoint: %s: %s\n", name, p.kind)
	switch p.kind {
	case "kill":
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		select {} // it takes a moment
	case "error":
		return fmt.Errorf("failpoint %s: %w", name, p.errno)
	case "delay":
		sleep(p.delay)
	}
	return nil
}
