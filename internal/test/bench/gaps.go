// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// manyGaps is row 17: what it takes in memory to list years of footage that has a gap in each
// hour, so that a date is not one stretch but many.
func manyGaps(ctx context.Context, b *bench) (err error) {
	store := b.path("gaps")
	if err := b.newStore(ctx, store, 0, 0); err != nil {
		return err
	}
	start := moonfirefs.FromTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -b.gapDays))
	if err := teststore.Fill(ctx, store, teststore.Bulk{Start: start, Minutes: b.gapDays * 24, MinuteFrames: 4, Every: 60}); err != nil {
		return err
	}
	s, err := b.mount(ctx, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	for _, what := range []string{"`find -ls` of years with a gap in each hour", "`find -ls` of them again"} {
		if err := command(ctx, "find", s.mountpoint, "-ls"); err != nil {
			return err
		}
		if err := b.memory(17, "resident memory after "+what, s); err != nil {
			return err
		}
	}
	return nil
}
