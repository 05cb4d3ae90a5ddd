// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"context"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// Mark is something that happened, as bars and lines of days show it.
type Mark struct {
	moonfirefs.Interval
	// Label is a word or two that somebody else has chosen, such as "person".
	Label string
}

// Marks tells what happened. It is called by many at a time, and must not wait for
// anything but its own database.
type Marks interface {
	// MarksOf returns what happened to a stream within an interval, in the order of time:
	// marks that overlap it, whole. What it returns is not changed afterwards.
	MarksOf(ctx context.Context, stream moonfirefs.StreamID, within moonfirefs.Interval) ([]Mark, error)
	// MarksVersion is another number whenever the marks of a stream may be others. It is
	// asked for at each look-up of a page.
	MarksVersion(ctx context.Context, stream moonfirefs.StreamID) (int64, error)
}

// marksOf returns no marks where nobody offers any.
func (p *Pages) marksOf(ctx context.Context, stream moonfirefs.StreamID, within moonfirefs.Interval) ([]Mark, error) {
	if p.marks == nil {
		return nil, nil
	}
	marks, err := p.marks.MarksOf(ctx, stream, within)
	if err != nil {
		return nil, fmt.Errorf("read marks of stream %d: %w", stream, err)
	}
	return marks, nil
}
