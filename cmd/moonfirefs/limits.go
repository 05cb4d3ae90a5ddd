// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/status"
)

// limitFlags are the flags that limit the footage of a stream. Those that are empty change
// nothing.
type limitFlags struct {
	retain, retainFor, retainEvents string
	// tierBytes is the quota of the tier that the stream is to have, 0 for none; nil if that
	// stays as it is.
	tierBytes *int64
}

// streamFlags are the names of the flags of a kind of stream.
type streamFlags struct {
	kind                                   moonfirefs.StreamKind
	url, retain, retainForIt, retainEvents string
}

var (
	mainFlags = streamFlags{moonfirefs.MainStream, "url", "retain", "retain-for", "retain-events"}
	subFlags  = streamFlags{moonfirefs.SubStream, "sub", "sub-retain", "sub-retain-for", "sub-retain-events"}
)

func (f *limitFlags) add(cmd *cobra.Command, names streamFlags, note string) {
	cmd.Flags().StringVar(&f.retain, names.retain, "", fmt.Sprintf("disk space for the %s stream, such as 500GB; when it is used up, the oldest footage is deleted%s", names.kind, note))
	cmd.Flags().StringVar(&f.retainFor, names.retainForIt, "", fmt.Sprintf("delete footage of the %s stream once it is older than this, such as 72h or 30d; 0 sets no limit in time", names.kind))
	cmd.Flags().StringVar(&f.retainEvents, names.retainEvents, "", fmt.Sprintf("part of the quota of the %s stream in which footage with events outlives the rest, such as 200GB or 40%%; 0 for none", names.kind))
}

// empty tells whether no limit is given.
func (f *limitFlags) empty() bool { return f.retain == "" && f.retainFor == "" && f.retainEvents == "" }

// apply gives a stream the limits that are given.
func (f *limitFlags) apply(s *moonfirefs.Stream, names streamFlags) (err error) {
	if f.retain != "" {
		if s.RetainBytes, err = parseSize("--"+names.retain, f.retain, quotaBounds); err != nil {
			return err
		}
	}
	if f.retainFor != "" {
		if s.RetainFor90k, err = parseAge("--"+names.retainForIt, f.retainFor); err != nil {
			return err
		}
	}
	if f.tierBytes != nil {
		s.TierRetainBytes = *f.tierBytes
	}
	quotaBytes := s.RetainBytes + s.TierRetainBytes
	if f.retainEvents != "" {
		if s.RetainMarkedBytes, err = parseShare("--"+names.retainEvents, f.retainEvents, quotaBytes); err != nil {
			return err
		}
	}
	if s.RetainMarkedBytes > quotaBytes-quotaBytes/moonfirefs.UnkeptShare && (f.retainEvents != "" || f.retain != "") {
		return &usageError{fmt.Errorf("--%s: footage with events can have nine tenths of the quota at most, and %s is more than that of %s",
			names.retainEvents, humanize.Bytes(uint64(s.RetainMarkedBytes)), humanize.Bytes(uint64(quotaBytes)))}
	}
	return nil
}

// limitsText says what limits a stream's footage has.
func limitsText(s *moonfirefs.Stream) string {
	text := "a quota of " + humanize.Bytes(uint64(s.RetainBytes))
	if s.RetainFor90k > 0 {
		text += " and a limit of " + status.AgeText(s.RetainFor90k.Duration())
	}
	if s.RetainMarkedBytes > 0 {
		text += ", " + humanize.Bytes(uint64(s.RetainMarkedBytes)) + " of it for events"
	}
	return text
}

// confirmLimits asks before the limits of a camera, where they are stricter than before,
// have footage deleted.
func (o *opened) confirmLimits(before, after *moonfirefs.Camera, yes bool) error {
	for i := range after.Streams {
		s := &after.Streams[i]
		old := slices.IndexFunc(before.Streams, func(b moonfirefs.Stream) bool { return b.ID == s.ID })
		if s.ID == 0 || old < 0 || !curate.Stricter(&before.Streams[old], s) {
			continue
		}
		if err := o.confirmExcess("With "+limitsText(s), s, s.FolderName(after), "", yes); err != nil {
			return err
		}
	}
	return nil
}

// confirmExcess asks before something, which the question begins with, has footage of a stream
// deleted that exceeds its limits, once what is kept under a name is released.
func (o *opened) confirmExcess(cause string, s *moonfirefs.Stream, folder, released string, yes bool) error {
	found, err := curate.Excess(o.cmd.Context(), o.DB, s, released, moonfirefs.FromTime(time.Now()))
	if err != nil || found.Recordings == 0 {
		return err
	}
	return confirm(o.cmd, fmt.Sprintf("%s, the footage of %s from %s, %s, is deleted at once, for good. Continue?",
		cause, folder, o.times(found.Interval), footageText(found)), yes)
}

// tellLimits says what the limits of the streams of a camera are good for, at the bit rates
// just measured, if they were, and whether the disk has room for them.
func (o *opened) tellLimits(c *moonfirefs.Camera, measured bitRates, tell func(*moonfirefs.Stream) bool) error {
	var dirs []moonfirefs.SampleDirID
	for i := range c.Streams {
		s := &c.Streams[i]
		if !tell(s) {
			continue
		}
		rate, err := o.rate(s, measured)
		if err == nil {
			err = o.printf("%s: %s", s.FolderName(c), retentionText(s, rate))
		}
		if least := bytesPerDay(cmp.Or(rate.mbits, usualMbits[0])) / 24 / 6; err == nil && float64(s.RetainBytes) < least {
			err = o.printf("warning: %s holds less than ten minutes of footage; older footage is deleted", humanize.Bytes(uint64(s.RetainBytes)))
		}
		if err != nil {
			return err
		}
		if !slices.Contains(dirs, s.SampleDir) {
			dirs = append(dirs, s.SampleDir)
		}
	}
	for _, dir := range dirs {
		if err := o.tellRoom(dir, measured); err != nil {
			return err
		}
	}
	return nil
}

// leftFreeBytes is what the recorder leaves free on each disk.
const leftFreeBytes = 32 << 20

// tellRoom warns if the quotas of the streams that record to a directory need more room
// than its disk has.
func (o *opened) tellRoom(id moonfirefs.SampleDirID, measured bitRates) error {
	dir := o.Dirs[id]
	if dir == nil || !dir.Available() {
		return nil
	}
	space, err := dir.Space()
	if err != nil {
		return err
	}
	cameras, err := o.DB.Cameras(o.cmd.Context())
	if err != nil {
		return err
	}
	moved, err := o.movedBytes()
	if err != nil {
		return err
	}
	var missingBytes, quotaBytes int64
	var mbits float64
	for i := range cameras {
		if cameras[i].Retired {
			continue
		}
		for j := range cameras[i].Streams {
			s := &cameras[i].Streams[j]
			if s.SampleDir != id {
				continue
			}
			rate, err := o.rate(s, measured)
			if err != nil {
				return err
			}
			mbits += rate.mbits
			quotaBytes += s.RetainBytes
			missingBytes += max(rate.mostBytes(s)-(s.SampleFileBytes-moved[s.ID]), 0)
		}
	}
	free := max(space.AvailableBytes()-leftFreeBytes, 0)
	if missingBytes <= free {
		return nil
	}
	when := ""
	if mbits > 0 {
		when = fmt.Sprintf(", in %s at %.1f Mbit/s", keepsText(free, mbits), mbits)
	}
	return o.printf("warning: the quotas of the cameras that record to %s are %s together, and %s of its disk are free: it will be full before they are used up%s. Then nothing more is recorded: lower the quotas.",
		dir.Path(), humanize.Bytes(uint64(quotaBytes)), humanize.Bytes(uint64(free)), when)
}
