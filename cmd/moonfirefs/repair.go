package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	moonfire "github.com/moonfirefs/moonfire"
	"github.com/moonfirefs/moonfire/internal/check"
	"github.com/moonfirefs/moonfire/internal/repair"
	"github.com/moonfirefs/moonfire/internal/store"
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

// repairing is a store that is being repaired.
type repairing struct {
	*store.Store
	cmd *cobra.Command
	log *slog.Logger
}

// inStore runs act with the store open for repairs.
func (g *global) inStore(act func(*repairing, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		log, err := g.logger(cmd)
		if err != nil {
			return err
		}
		s, err := store.Open(cmd.Context(), g.store, store.Repairing, log)
		if err != nil {
			return err
		}
		defer closing(log, s)
		return act(&repairing{Store: s, cmd: cmd, log: log}, args)
	}
}

func (r *repairing) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(r.cmd.OutOrStdout(), format+"\n", args...)
	return err
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
func (r *repairing) all(ctx context.Context, o check.Options, kind check.Kind) ([]check.Finding, error) {
	report, err := check.Check(ctx, r.Store, o)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(report.Findings, func(f check.Finding) bool { return f.Kind != kind }), nil
}

// recordings finds those of args, or all, of which a finding is true.
func (r *repairing) recordings(args []string, o check.Options, kind check.Kind) ([]check.Finding, error) {
	ctx := r.cmd.Context()
	if len(args) == 0 {
		return r.all(ctx, o, kind)
	}
	var findings []check.Finding
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil {
			return nil, &usageError{fmt.Errorf("%s: it is not the number of a recording", arg)}
		}
		report, err := check.Recordings(ctx, r.Store, []moonfire.RecordingID{moonfire.RecordingID(id)}, o)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(report.Findings, func(f check.Finding) bool { return f.Kind == kind })
		if i < 0 {
			return nil, fmt.Errorf("recording %d is not %s: %w", id, kind, moonfire.ErrInvalid)
		}
		findings = append(findings, report.Findings[i])
	}
	return findings, nil
}

func (r *repairing) orphans(args []string) ([]check.Finding, error) {
	ctx := r.cmd.Context()
	if len(args) == 0 {
		return r.all(ctx, check.Options{}, check.Orphan)
	}
	var findings []check.Finding
	for _, arg := range args {
		name, err := uuid.Parse(arg)
		if err != nil {
			return nil, &usageError{fmt.Errorf("%s: it is not the name of a sample file", arg)}
		}
		report, err := check.Files(ctx, r.Store, []uuid.UUID{name})
		if err != nil {
			return nil, err
		}
		if report.Clean() {
			return nil, fmt.Errorf("sample file %s is not an orphan: %w", name, moonfire.ErrInvalid)
		}
		findings = append(findings, report.Findings...)
	}
	return findings, nil
}

func newMoveOrphansCommand(g *global) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "move-orphans {FILE... | --all}",
		Short: "Move sample files that belong to no recording aside",
		Args:  named(&all),
		RunE: g.inStore(func(r *repairing, args []string) error {
			findings, err := r.orphans(args)
			if err != nil {
				return err
			}
			for _, f := range findings {
				path, err := repair.MoveOrphan(r.Store, f.Dir, f.File)
				if err != nil {
					return err
				}
				if err := r.printf("Moved orphan %s to %s.", f.File, path); err != nil {
					return err
				}
			}
			return r.printf("%d files moved.", len(findings))
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "all that a check finds")
	return cmd
}

func newDropMissingCommand(g *global) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "drop-missing {RECORDING... | --all}",
		Short: "Forget recordings whose sample file is missing",
		Args:  named(&all),
		RunE: g.inStore(func(r *repairing, args []string) error {
			findings, err := r.recordings(args, check.Options{}, check.Missing)
			if err != nil {
				return err
			}
			for _, f := range findings {
				if err := repair.DropMissing(r.cmd.Context(), r.Store, f.Recording); err != nil {
					return err
				}
				if err := r.printf("Dropped %s.", f.Text); err != nil {
					return err
				}
			}
			return r.printf("%d recordings dropped.", len(findings))
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
		Args: named(&all),
		RunE: g.inStore(func(r *repairing, args []string) error {
			o := check.Options{Index: true, Hash: hash || len(args) > 0}
			findings, err := r.recordings(args, o, check.Damaged)
			if err != nil {
				return err
			}
			return r.moveCorrupt(findings)
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "all that a check finds")
	cmd.Flags().BoolVar(&hash, "hash", false, "with --all: find also those whose SHA-1 is wrong")
	return cmd
}

// moveCorrupt acts on each recording once, however much is wrong with it.
func (r *repairing) moveCorrupt(findings []check.Finding) error {
	moved := make(map[moonfire.RecordingID]bool)
	for _, f := range findings {
		if moved[f.Recording] {
			continue
		}
		moved[f.Recording] = true
		path, err := repair.MoveCorrupt(r.cmd.Context(), r.Store, f.Recording)
		if err != nil {
			return err
		}
		if err := r.printf("Moved %s; the file is now %s.", f.Text, path); err != nil {
			return err
		}
	}
	return r.printf("%d recordings moved.", len(moved))
}

func newRecountCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "recount",
		Short: "Add up the recordings of each stream again",
		Long: `Sets the totals of streams, by which rotation goes, to those of their recordings.
Where the totals were too low, the next run may delete the oldest recordings to
meet the quota.`,
		Args: asUsage(cobra.NoArgs),
		RunE: g.inStore(func(r *repairing, _ []string) error {
			wrong, err := r.DB.WrongTotals(r.cmd.Context())
			if err != nil {
				return err
			}
			if err := r.DB.Recount(r.cmd.Context()); err != nil {
				return err
			}
			for _, w := range wrong {
				if err := r.printf("Stream %d: %d bytes instead of %d, %v instead of %v.",
					w.Stream, w.ActualBytes, w.SampleFileBytes, w.ActualDuration90k, w.Duration90k); err != nil {
					return err
				}
			}
			return r.printf("%d streams corrected.", len(wrong))
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
		Args: asUsage(cobra.NoArgs),
		RunE: g.inStore(func(r *repairing, _ []string) error {
			mismatches, err := r.Mismatches(r.cmd.Context())
			if err != nil {
				return err
			}
			reserved, err := repair.Accept(r.cmd.Context(), r.Store)
			if err != nil {
				return err
			}
			for _, m := range mismatches {
				if err := r.printf("Accepted: %s.", m.Text); err != nil {
					return err
				}
			}
			return r.printf("%d directories accepted, %d reserved names forgotten.", len(mismatches), reserved)
		}),
	}
}
