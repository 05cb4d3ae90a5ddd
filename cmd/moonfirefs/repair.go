// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/dustin/go-humanize/english"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/check"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/repair"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

func newRepairCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Fix what check found",
		Long: `Fixes findings of "moonfirefs check". Each command changes only what it is given,
prints what it did, and deletes no footage: it moves unwanted files to the folder
"aside" of their sample directory, where you can inspect and delete them.

Nothing else may use the store: stop the recorder and all mounts first.`,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newMoveOrphansCommand(g), newDropMissingCommand(g), newMoveCorruptCommand(g),
		newRecountCommand(g), newAcceptCommand(g))
	return cmd
}

// repairing runs act with the store open for repairs.
func (g *global) repairing(act func(*opened, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return g.withStore(cmd, store.Repairing, func(o *opened) error { return act(o, args) })
	}
}

// named makes sure that either names are given or --all.
func named(all *bool) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if (len(args) > 0) == *all {
			return &usageError{errors.New("name what to repair, or use --all")}
		}
		return nil
	}
}

// all checks the whole store for findings of a kind.
func (o *opened) all(ctx context.Context, checks check.Options, kind check.Kind) ([]check.Finding, error) {
	if w := o.cmd.ErrOrStderr(); isTerminal(w) {
		var end func()
		checks.Progress, end = showChecking(w, checks.Hash)
		defer end()
	}
	report, err := check.Check(ctx, o.Store, checks)
	if err != nil {
		return nil, err
	}
	if n := report.More[kind]; n > 0 {
		o.log.Warn("not all findings are repaired at once; repeat the command", "more", n)
	}
	return slices.DeleteFunc(report.Findings, func(f check.Finding) bool { return f.Kind != kind }), nil
}

// recordings finds those of args, or all, of which a finding is true.
func (o *opened) recordings(args []string, checks check.Options, kind check.Kind) ([]check.Finding, error) {
	ctx := o.cmd.Context()
	if len(args) == 0 {
		return o.all(ctx, checks, kind)
	}
	var findings []check.Finding
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil {
			return nil, &usageError{fmt.Errorf("%q is not the number of a recording", arg)}
		}
		report, err := check.Recordings(ctx, o.Store, []moonfirefs.RecordingID{moonfirefs.RecordingID(id)}, checks)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(report.Findings, func(f check.Finding) bool { return f.Kind == kind })
		if i < 0 {
			return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "recording %d is not %s", id, kind)
		}
		findings = append(findings, report.Findings[i])
	}
	return findings, nil
}

func (o *opened) orphans(args []string) ([]check.Finding, error) {
	ctx := o.cmd.Context()
	if len(args) == 0 {
		return o.all(ctx, check.Options{}, check.Orphan)
	}
	var findings []check.Finding
	for _, arg := range args {
		name, err := uuid.Parse(arg)
		if err != nil {
			return nil, &usageError{fmt.Errorf("%q is not the name of a sample file", arg)}
		}
		report, err := check.Files(ctx, o.Store, []uuid.UUID{name})
		if err != nil {
			return nil, err
		}
		if report.Clean() {
			return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "sample file %s is not an orphan", name)
		}
		findings = append(findings, report.Findings...)
	}
	return findings, nil
}

func newMoveOrphansCommand(g *global) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:     "move-orphans {FILE... | --all}",
		Short:   "Move aside sample files that belong to no recording",
		Example: `  moonfirefs repair move-orphans --all`,
		Args:    named(&all),
		RunE: g.repairing(func(o *opened, args []string) error {
			findings, err := o.orphans(args)
			if err != nil {
				return err
			}
			for _, f := range findings {
				path, err := repair.MoveOrphan(o.Store, f.Dir, f.File)
				if err != nil {
					return err
				}
				if err := o.printf("Moved orphan %s to %s.", f.File, path); err != nil {
					return err
				}
			}
			return o.printf("%s moved.", counted(len(findings), "file"))
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "everything that check finds")
	return cmd
}

func newDropMissingCommand(g *global) *cobra.Command {
	var all, yes bool
	cmd := &cobra.Command{
		Use:     "drop-missing {RECORDING... | --all}",
		Short:   "Remove recordings whose sample file is missing",
		Example: `  moonfirefs repair drop-missing 4711`,
		Args:    named(&all),
		RunE: g.repairing(func(o *opened, args []string) error {
			findings, err := o.recordings(args, check.Options{}, check.Missing)
			if err == nil && all {
				err = o.confirmDrop(len(findings), yes)
			}
			if err != nil {
				return err
			}
			for _, f := range findings {
				if err := repair.DropMissing(o.cmd.Context(), o.Store, f.Recording); err != nil {
					return err
				}
				if err := o.printf("Dropped %s.", f.Text); err != nil {
					return err
				}
			}
			return o.printf("%s dropped.", counted(len(findings), "recording"))
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "everything that check finds")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, also if most recordings are missing")
	return cmd
}

// manyMissing is how many missing recordings are no accident of single files.
const manyMissing = 10

// confirmDrop asks if most of the recordings are missing: then their files are somewhere else,
// more likely than not.
func (o *opened) confirmDrop(missing int, yes bool) error {
	streams, err := curate.ListStreams(o.cmd.Context(), o.DB)
	if err != nil {
		return err
	}
	var recordings int64
	for i := range streams {
		always := moonfirefs.Interval{Start90k: moonfirefs.MinTime90k, End90k: moonfirefs.MaxTime90k}
		found, err := curate.Overlapping(o.cmd.Context(), o.DB, streams[i].ID, always)
		if err != nil {
			return err
		}
		recordings += found.Recordings
	}
	if missing < manyMissing || int64(missing)*2 <= recordings {
		return nil
	}
	return confirm(o.cmd, fmt.Sprintf("The files of %d of %d recordings are missing: were they moved, or is another disk mounted in the place of theirs? Once dropped, they are no longer shown. Continue?", missing, recordings), yes)
}

func newMoveCorruptCommand(g *global) *cobra.Command {
	var all, hash bool
	cmd := &cobra.Command{
		Use:   "move-corrupt {RECORDING... | --all [--hash]}",
		Short: "Move aside corrupt recordings",
		Long: `Moves aside the sample files of corrupt recordings, each with its index row in a JSON
file, and removes the recordings from the index. Their hours then appear without them,
and backups of the mount made with rsync follow.`,
		Example: `  moonfirefs repair move-corrupt --all --hash`,
		Args:    named(&all),
		RunE: g.repairing(func(o *opened, args []string) error {
			checks := check.Options{Index: true, Hash: hash || len(args) > 0}
			findings, err := o.recordings(args, checks, check.Damaged)
			if err != nil {
				return err
			}
			return o.moveCorrupt(findings)
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "everything that check finds")
	cmd.Flags().BoolVar(&hash, "hash", false, "with --all: also find recordings whose digest is wrong")
	return cmd
}

// moveCorrupt acts on each recording once, however much is wrong with it.
func (o *opened) moveCorrupt(findings []check.Finding) error {
	moved := make(map[moonfirefs.RecordingID]bool)
	for _, f := range findings {
		if moved[f.Recording] {
			continue
		}
		moved[f.Recording] = true
		path, err := repair.MoveCorrupt(o.cmd.Context(), o.Store, f.Recording)
		if err != nil {
			return err
		}
		if err := o.printf("Moved %s; the file is now %s.", f.Text, path); err != nil {
			return err
		}
	}
	return o.printf("%s moved.", counted(len(moved), "recording"))
}

func newRecountCommand(g *global) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "recount",
		Short: "Recalculate totals",
		Long: `Recalculates the totals of each stream, which retention uses, from its recordings.
Where a total was too low, the next run may delete the oldest recordings to meet the
quota: then the command says how much, and asks.`,
		Example: `  moonfirefs repair recount`,
		Args:    asUsage(noArguments),
		RunE: g.repairing(func(o *opened, _ []string) error {
			wrong, err := o.DB.WrongTotals(o.cmd.Context())
			if err == nil {
				err = o.confirmRecount(wrong, yes)
			}
			if err != nil {
				return err
			}
			if err := o.DB.Recount(o.cmd.Context()); err != nil {
				return err
			}
			for _, w := range wrong {
				if err := o.printf("Stream %d: %d bytes instead of %d, %v instead of %v.",
					w.Stream, w.ActualBytes, w.SampleFileBytes, w.ActualDuration90k, w.Duration90k); err != nil {
					return err
				}
			}
			return o.printf("%s corrected.", counted(len(wrong), "stream"))
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, also if footage is deleted by the next run")
	return cmd
}

// confirmRecount asks if retention will delete something once the totals are right.
func (o *opened) confirmRecount(wrong []index.WrongTotal, yes bool) error {
	streams, err := curate.ListStreams(o.cmd.Context(), o.DB)
	if err != nil {
		return err
	}
	for i := range streams {
		s := &streams[i]
		if slices.ContainsFunc(wrong, func(w index.WrongTotal) bool { return w.Stream == s.ID && w.ActualBytes > w.SampleFileBytes }) {
			if err := o.confirmExcess("With the right totals", &s.Stream, s.Folder, "", yes); err != nil {
				return err
			}
		}
	}
	return nil
}

func newAcceptCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "accept",
		Short: "Accept an index and footage of different ages",
		Long: `After you restore a backup of the index or an old copy of a sample directory, the
recorder refuses to run: it could mistake footage for the leftovers of a crash. This
command accepts the present state.

Nothing is deleted, now or later. "moonfirefs check" shows sample files that the index
does not list and recordings whose files are missing; see "moonfirefs repair
move-orphans" and "drop-missing".`,
		Example: `  moonfirefs repair accept`,
		Args:    asUsage(noArguments),
		RunE: g.repairing(func(o *opened, _ []string) error {
			mismatches, err := o.Mismatches(o.cmd.Context())
			if err != nil {
				return err
			}
			reserved, err := repair.Accept(o.cmd.Context(), o.Store)
			if err != nil {
				return err
			}
			for _, m := range mismatches {
				if err := o.printf("Accepted: %s.", m.Text); err != nil {
					return err
				}
			}
			return o.printf("%s accepted, %s released.", english.Plural(len(mismatches), "directory", ""), counted(reserved, "reserved name"))
		}),
	}
}
