// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/moonfirefs/moonfirefs"
)

// TierChange is what is to become of the tier of a stream of a camera. Before is the tier as it
// was read, After what it is to be, and nil stands for none; of both, the directory, the age and
// the quota count.
type TierChange struct {
	Kind          moonfirefs.StreamKind
	Before, After *moonfirefs.Tier
}

// SetUpCamera stores what a person wants of a camera and of its tiers, in one transaction:
// between two, retention would go by limits that nobody has asked for. It is AddCamera if before
// is nil, and UpdateCamera otherwise; its errors are those of them, and ErrChanged if a tier is
// no longer as it was read, and those of SetTier.
func (db *DB) SetUpCamera(ctx context.Context, before, after *moonfirefs.Camera, tiers []TierChange) error {
	if err := checkCamera(after, before == nil || after.ShortName != before.ShortName); err != nil {
		return err
	}
	verb := "edit"
	if before == nil {
		verb = "add"
	}
	err := inTransaction(ctx, db.writer, func(tx *sql.Tx) (err error) {
		if before == nil {
			err = addCamera(ctx, tx, after)
		} else {
			err = updateCamera(ctx, tx, before, after)
		}
		for i := 0; i < len(tiers) && err == nil; i++ {
			err = changeTier(ctx, tx, after, &tiers[i])
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s camera %s: %w", verb, after.ShortName, asOurs(err))
	}
	return nil
}

// changeTier changes the tier of a stream that is in the index.
func changeTier(ctx context.Context, tx *sql.Tx, c *moonfirefs.Camera, change *TierChange) error {
	i := slices.IndexFunc(c.Streams, func(s moonfirefs.Stream) bool { return s.Kind == change.Kind })
	if i < 0 {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "it has no %s stream", change.Kind)
	}
	stream := c.Streams[i].ID
	if err := requireTier(ctx, tx, stream, change.Before); err != nil {
		return err
	}
	if change.After == nil {
		return removeTier(ctx, tx, stream)
	}
	t := *change.After
	t.Stream = stream
	if problem := t.Problem(); problem != "" {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "%s stream: %s", change.Kind, problem)
	}
	return setTier(ctx, tx, &t)
}

// requireTier compares a tier with what the index has.
func requireTier(ctx context.Context, tx *sql.Tx, stream moonfirefs.StreamID, before *moonfirefs.Tier) error {
	tiers, err := listTiers(ctx, tx, func(BadRow) {})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tiers, func(t moonfirefs.Tier) bool { return t.Stream == stream })
	if i < 0 && before == nil || i >= 0 && tiers[i].SameSettings(before) {
		return nil
	}
	return ErrChanged
}
