// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"

	"github.com/moonfirefs/moonfirefs/internal/pulse"
)

const (
	// restlessPulses is how long Follow waits before it looks again while a change is to be
	// expected: 374 ms. idlePulses is for when none is: three seconds.
	restlessPulses = 2
	idlePulses     = 16
	// restlessLooks is how often it looks after a write that has changed nothing yet: a commit
	// shows once it is durable, and not when it is written.
	restlessLooks = 8
)

// Follow calls look at once and soon after any process has committed something, until ctx
// ends. Nobody is woken to ask meanwhile, except every three seconds, in case a write went
// unnoticed. look tells whether something has changed since it was called last; after an
// error it is called again soon.
func (db *DB) Follow(ctx context.Context, look func(context.Context) (changed bool, err error)) {
	w := openWALWatch(db.path + "-wal")
	defer w.close()
	for restless := 0; ctx.Err() == nil; restless-- {
		told := w.arm() // first: what is written from now on may come too late for this look
		changed, err := look(ctx)
		if changed {
			restless = 0
		}
		pulses := idlePulses
		if restless > 0 || err != nil || !told {
			pulses = restlessPulses
		}
		select {
		case <-ctx.Done():
		case <-pulse.Wait(pulses):
		case <-w.written:
			restless = restlessLooks + 1
			<-pulse.Wait(1) // with whatever else happens then
		}
	}
}
