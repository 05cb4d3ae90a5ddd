// SPDX-License-Identifier: GPL-3.0-or-later

package curate

import (
	"context"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// Stricter tells whether a stream may have less footage, or none so old, or less with events, after a change of
// its limits.
func Stricter(before, after *moonfirefs.Stream) bool {
	return after.RetainBytes < before.RetainBytes || after.RetainMarkedBytes < before.RetainMarkedBytes ||
		after.RetainFor90k > 0 && (before.RetainFor90k == 0 || after.RetainFor90k < before.RetainFor90k)
}

// StricterTier tells whether there may be less footage where a stream's footage moves to, after a
// change of its tier; nil stands for none, with which all of it counts against the stream's quota.
func StricterTier(before, after *moonfirefs.Tier) bool {
	return before != nil && (after == nil || after.RetainBytes < before.RetainBytes)
}

// Excess adds up what retention would delete at a time if a stream had the limits of s, and
// if what is kept under a name were released; the name may be empty.
func Excess(ctx context.Context, db *index.DB, s *moonfirefs.Stream, released string, now90k moonfirefs.Time90k) (Footage, error) {
	tier, err := db.Tier(ctx, s.ID)
	if err != nil {
		return Footage{}, err
	}
	return ExcessWith(ctx, db, s, tier, released, now90k)
}

// ExcessWith is Excess for a stream that has this tier, or nil for none.
func ExcessWith(ctx context.Context, db *index.DB, s *moonfirefs.Stream, tier *moonfirefs.Tier, released string, now90k moonfirefs.Time90k) (Footage, error) {
	var found Footage
	err := db.EachExcess(ctx, s, tier, released, now90k, func(r *moonfirefs.Summary) { found.Add(r) })
	return found, err
}
