package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/check"
	"github.com/moonfirefs/moonfirefs/internal/repair"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

func newRepairCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Act on what check has found",
		Long: `Acts on findings of "moonfirefs check". Each of the commands acts on what it is
given and on nothing else, prints what it did, and deletes no footage: files that
are in the way go to the folder "aside" of their sample directory, where they are
yours to look at and to delete.

Nothing else may use the store meanwhile: stop the recorder and all mounts.`,
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
			return &usageError{errors.New("say which ones, or --all")}
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
		o.log.Warn("there are more findings than are acted on at a time; repeat the command", "more", n)
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
			return nil, &usageError{fmt.Errorf("%s: it is not the number of a recording", arg)}
		}
		report, err := check.Recordings(ctx, o.Store, []moonfirefs.RecordingID{moonfirefs.RecordingID(id)}, checks)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(report.Findings, func(f check.Finding) bool { return f.Kind == kind })
		if i < 0 {
			return nil, fmt.Errorf("recording %d is not %s: %w", id, kind, moonfirefs.ErrInvalid)
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
			return nil, &usageError{fmt.Errorf("%s: it is not the name of a sample file", arg)}
		}
		report, err := check.Files(ctx, o.Store, []uuid.UUID{name})
		if err != nil {
			return nil, err
		}
		if report.Clean() {
			return nil, fmt.Errorf("sample file %s is not an orphan: %w", name, moonfirefs.ErrInvalid)
		}
		findings = append(findings, report.Findings...)
	}
	return findings, nil
}

func newMoveOrphansCommand(g *global) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:     "move-orphans {FILE... | --all}",
		Short:   "Move sample files that belong to no recording aside",
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
	cmd.Flags().BoolVar(&all, "all", false, "all that a check finds")
	return cmd
}

func newDropMissingCommand(g *global) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:     "drop-missing {RECORDING... | --all}",
		Short:   "Forget recordings whose sample file is missing",
		Example: `  moonfirefs repair drop-missing 4711`,
		Args:    named(&all),
		RunE: g.repairing(func(o *opened, args []string) error {
			findings, err := o.recordings(args, check.Options{}, check.Missing)
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
	cmd.Flags().BoolVar(&all, "all", false, "all that a check finds")
	return cmd
}

func newMoveCorruptCommand(g *global) *cobra.Command {
	var all, hash bool
	cmd := &cobra.Command{
		Use:   "move-corrupt {RECORDING... | --all [--hash]}",
		Short: "Move corrupt recordings aside",
		Long: `Moves the sample files of corrupt recordings aside, each with its row of the index
in a JSON file, and forgets the recordings. An hour that had one is shown without
it from then on, so backups of the mount that rsync keeps will follow.`,
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
	cmd.Flags().BoolVar(&all, "all", false, "all that a check finds")
	cmd.Flags().BoolVar(&hash, "hash", false, "with --all: find also those whose SHA-1 is wrong")
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
	return &cobra.Command{
		Use:   "recount",
		Short: "Add up the recordings of each stream again",
		Long: `Sets the totals of streams, by which rotation goes, to those of their recordings.
Where the totals were too low, the next run may delete the oldest recordings to
meet the quota.`,
		Example: `  moonfirefs repair recount`,
		Args:    asUsage(noArguments),
		RunE: g.repairing(func(o *opened, _ []string) error {
			wrong, err := o.DB.WrongTotals(o.cmd.Context())
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
			return o.printf("%d streams corrected.", len(wrong))
		}),
	}
}

func newAcceptCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "accept",
		Short: "Go on with index and footage as they are, although they differ in age",
		Long: `After a backup of the index was restored, or an old copy of a sample directory put
in place, the recorder refuses to run: what it takes for the leftovers of a crash
could be footage. This command makes the present state the one to go on with.

Nothing is deleted, then or later. Sample files that the index does not know, and
recordings whose files are missing, are what "moonfirefs check" shows; see
"moonfirefs repair move-orphans" and "drop-missing".`,
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
			return o.printf("%d directories accepted, %d reserved names forgotten.", len(mismatches), reserved)
		}),
	}
}
