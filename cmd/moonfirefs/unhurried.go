// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

const (
	// unhurriedLines is how many lines wait for whoever reads the log; more are dropped.
	unhurriedLines = 2000
	// flushWithin is how long a program that ends waits for its last lines to be taken.
	flushWithin = 500 * time.Millisecond
)

// unhurried is the error output of a program that records: a pager that is paused, a terminal
// after Ctrl-S or a full pipe must not stop a recorder. What nobody takes in time is dropped,
// and told afterwards.
type unhurried struct {
	out io.Writer
	// queue has what is to be written; a chunk without text asks for its channel to be closed.
	queue   chan chunk
	dropped atomic.Int64
}

type chunk struct {
	text    []byte
	written chan struct{}
}

// newUnhurried begins to write to out, as long as the process lives.
func newUnhurried(out io.Writer) *unhurried {
	u := &unhurried{out: out, queue: make(chan chunk, unhurriedLines)}
	go u.write()
	return u
}

func (u *unhurried) Write(text []byte) (int, error) {
	select {
	case u.queue <- chunk{text: bytes.Clone(text)}:
	default:
		u.dropped.Add(1)
	}
	return len(text), nil
}

func (u *unhurried) write() {
	for c := range u.queue {
		if c.written != nil {
			close(c.written)
			continue
		}
		_, _ = u.out.Write(c.text) // where it fails, there is nobody to tell
		if n := u.dropped.Swap(0); n > 0 {
			_, _ = fmt.Fprintf(u.out, "moonfirefs: lines of the log lost here, since nobody took them: %d\n", n)
		}
	}
}

// flush waits until all is written, but not for long.
func (u *unhurried) flush() {
	within := time.After(flushWithin)
	c := chunk{written: make(chan struct{})}
	select {
	case u.queue <- c:
	case <-within:
		return
	}
	select {
	case <-c.written:
	case <-within:
	}
}
