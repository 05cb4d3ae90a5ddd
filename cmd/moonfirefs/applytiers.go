// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/status"
)

// cameraTier describes where older footage of a stream moves. The keys are the flags of tier
// add.
type cameraTier struct {
	To     string `toml:"to"`
	After  string `toml:"after"`
	Retain string `toml:"retain"`
}

func (e *cameraTier) flags() *tierFlags {
	return &tierFlags{to: e.To, after: e.After, retain: e.Retain}
}

// quotaBytes is the quota there; 0 if nothing moves.
func (e *cameraTier) quotaBytes() (*int64, error) {
	if e == nil {
		return new(int64), nil
	}
	f := e.flags()
	if err := f.requireAll(); err != nil {
		return nil, fmt.Errorf("tier: %w", err)
	}
	t, err := f.parse()
	if err != nil {
		return nil, fmt.Errorf("tier: %w", err)
	}
	return &t.RetainBytes, nil
}

// planTiers compares the tiers of an entry with those of the streams of c, as it will be.
func (o *opened) planTiers(e *cameraEntry, c *moonfirefs.Camera) (changes []index.TierChange, err error) {
	for _, wanted := range []struct {
		kind moonfirefs.StreamKind
		tier *cameraTier
	}{{moonfirefs.MainStream, e.Tier}, {moonfirefs.SubStream, e.SubTier}} {
		change, err := o.planTier(wanted.kind, wanted.tier, c)
		if err != nil {
			return nil, err
		}
		if !change.Before.SameSettings(change.After) {
			changes = append(changes, change)
		}
	}
	return changes, nil
}

func (o *opened) planTier(kind moonfirefs.StreamKind, wanted *cameraTier, c *moonfirefs.Camera) (change index.TierChange, err error) {
	change.Kind = kind
	i := slices.IndexFunc(c.Streams, func(s moonfirefs.Stream) bool { return s.Kind == kind })
	if i < 0 {
		if wanted != nil {
			err = moonfirefs.Errorf(moonfirefs.ErrInvalid, "it has no %s stream, whose footage could move", kind)
		}
		return change, err
	}
	s := &c.Streams[i]
	if s.ID != 0 {
		if change.Before, err = o.DB.Tier(o.cmd.Context(), s.ID); err != nil {
			return change, err
		}
	}
	if wanted != nil {
		if change.After, err = wanted.flags().plan(o, &curate.Stream{Stream: *s, Folder: s.FolderName(c)}, change.Before); err != nil {
			err = fmt.Errorf("tier: %w", err)
		}
	}
	return change, err
}

// tierDifferences says what becomes of tiers, one line for each.
func (o *opened) tierDifferences(changes []index.TierChange) (lines []string) {
	for _, c := range changes {
		before, after := o.tierText(c.Before), o.tierText(c.After)
		line := fmt.Sprintf("%s tier: %s → %s", c.Kind, before, after)
		if before == after {
			line = fmt.Sprintf("%s tier: by less than is shown here", c.Kind)
		}
		lines = append(lines, line)
	}
	return lines
}

func (o *opened) tierText(t *moonfirefs.Tier) string {
	if t == nil {
		return "none"
	}
	return fmt.Sprintf("to %s after %s, a quota of %s there", o.dirPath(t.SampleDir), status.AgeText(t.After90k.Duration()), humanize.Bytes(uint64(t.RetainBytes)))
}

// confirmTiers asks before footage no longer moves.
func (c *cameraChange) confirmTiers(o *opened, yes bool) error {
	for _, tier := range c.tiers {
		if tier.After != nil {
			continue
		}
		if err := confirm(o.cmd, fmt.Sprintf("Camera %s has no tier for its %s stream in the file. End moving its footage? What has moved stays where it is.",
			c.after.ShortName, tier.Kind), yes); err != nil {
			return err
		}
	}
	return nil
}

// confirmLimits asks before the limits of the camera and its tiers, where they are stricter than
// before, have footage deleted.
func (c *cameraChange) confirmLimits(o *opened, yes bool) error {
	for i := range c.after.Streams {
		s := &c.after.Streams[i]
		old := slices.IndexFunc(c.before.Streams, func(b moonfirefs.Stream) bool { return b.ID == s.ID })
		if s.ID == 0 || old < 0 {
			continue
		}
		before, err := o.DB.Tier(o.cmd.Context(), s.ID)
		if err != nil {
			return err
		}
		after := before
		if j := slices.IndexFunc(c.tiers, func(t index.TierChange) bool { return t.Kind == s.Kind }); j >= 0 {
			after = c.tiers[j].After
		}
		if !curate.Stricter(&c.before.Streams[old], s) && !curate.StricterTier(before, after) {
			continue
		}
		if err := o.confirmTier("With "+limitsWithTier(s, after), &curate.Stream{Stream: *s, Folder: s.FolderName(c.after)}, after, yes); err != nil {
			return err
		}
	}
	return nil
}

// limitsWithTier says what limits a stream's footage has, wherever it is.
func limitsWithTier(s *moonfirefs.Stream, t *moonfirefs.Tier) string {
	if t == nil {
		return limitsText(s)
	}
	return limitsText(s) + ", and " + humanize.Bytes(uint64(t.RetainBytes)) + " where it moves to"
}

// tiersAsKeys describes the tiers as they are, by stream.
func (o *opened) tiersAsKeys() (map[moonfirefs.StreamID]*cameraTier, error) {
	tiers, err := o.DB.Tiers(o.cmd.Context())
	if err != nil {
		return nil, err
	}
	all := make(map[moonfirefs.StreamID]*cameraTier, len(tiers))
	for _, t := range tiers {
		all[t.Stream] = &cameraTier{To: o.dirPath(t.SampleDir), After: secondsText(t.After90k.Duration()), Retain: bytesText(t.RetainBytes)}
	}
	return all, nil
}

// secondsText and bytesText are values of the file that lose nothing.

func secondsText(d time.Duration) string { return fmt.Sprintf("%ds", int64(d/time.Second)) }

func bytesText(n int64) string { return fmt.Sprintf("%dB", n) }
