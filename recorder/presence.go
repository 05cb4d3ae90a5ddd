// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/moonfirefs/moonfirefs/sample"
)

const (
	// lookEvery is how often it is looked whether a directory is still there.
	lookEvery = 10 * time.Second
	// settleEvery is how often it is looked whether a directory that is gone can be let
	// go of, and settleFor how long it is waited for recordings to be committed.
	settleEvery = 100 * time.Millisecond
	settleFor   = 30 * time.Second
)

// presence finds out whether a sample directory is still at its path. A disk that was
// unmounted lazily takes whatever is written to it, and nobody would see it.
type presence struct {
	dir   directory
	clock Clock
	// suspected says that the disk has reported an error that a lost one reports.
	suspected atomic.Bool
}

// suspect notes an error of the disk.
func (p *presence) suspect(err error) {
	if sample.IsLost(err) {
		p.suspected.Store(true)
	}
}

// await returns why the directory is gone, once it is; nil once stop is closed. It looks
// in a goroutine of its own: where a disk has died, the question may never be answered.
func (p *presence) await(stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-p.clock.After(lookEvery):
		}
		answer := make(chan error, 1)
		go func() { answer <- p.look() }()
		select {
		case <-stop:
			return nil
		case err := <-answer:
			if err != nil {
				return err
			}
		}
	}
}

// look returns why the directory is gone; nil if it is there, or that cannot be found out.
func (p *presence) look() error {
	err := p.dir.Verify()
	p.suspect(err)
	if !errors.Is(err, sample.ErrUnavailable) && p.suspected.Swap(false) {
		err = p.dir.Probe()
	}
	if errors.Is(err, sample.ErrUnavailable) {
		return err
	}
	return nil
}
