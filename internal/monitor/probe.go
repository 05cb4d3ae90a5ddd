// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/sample"
)

// probePatience is how long a look at a disk may take before the report goes on
// without.
const probePatience = time.Second

// probe asks a file system how much room there is, in a goroutine of its own: where
// a disk has died, statfs may never return.
type probe struct {
	dir *sample.Dir

	mu   sync.Mutex // guards what follows
	last sample.Space
	err  error
	// asked is when the question that is under way was put; zero if there is none.
	asked time.Time
}

// look returns the last answer, and since when there is none to a newer question.
func (p *probe) look(now time.Time) (space sample.Space, silentSince time.Time, err error) {
	if done := p.ask(now); done != nil {
		select {
		case <-done:
		case <-time.After(probePatience):
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.asked, p.err
}

// ask returns a channel that is closed with the answer, or nil if an earlier
// question is not answered yet.
func (p *probe) ask(now time.Time) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.asked.IsZero() {
		return nil
	}
	p.asked = now
	done := make(chan struct{})
	go func() {
		defer close(done)
		space, err := p.dir.Space()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.last, p.err, p.asked = space, err, time.Time{}
	}()
	return done
}

// indexProbe asks whether the index is where it was opened, in a goroutine of its own.
type indexProbe struct {
	db *index.DB

	mu     sync.Mutex // guards what follows
	err    error
	asking bool
}

// look returns the newest answer, and waits no longer for one than a healthy disk takes.
func (p *indexProbe) look() error {
	if done := p.ask(); done != nil {
		select {
		case <-done:
		case <-time.After(probePatience):
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// ask returns nil if an earlier question is not answered yet.
func (p *indexProbe) ask() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asking {
		return nil
	}
	p.asking = true
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := p.db.Verify()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.err, p.asking = err, false
	}()
	return done
}
