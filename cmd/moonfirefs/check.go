// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/check"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// checkFlags are the flags of check.
type checkFlags struct {
	index, hash, stored, json bool
	progress                  progressFlag
}

func newCheckCommand(g *global) *cobra.Command {
	f := &checkFlags{}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Verify the store",
		Long: `Verifies that each recording has its sample file and each sample file its
recording, that the index is sound, and that each recording's sample table
agrees with its row. With --hash, it reads all footage and compares digests; with
--stored-checksums as well, it asks object stores for theirs instead of reading what
is in buckets. It changes nothing and may run while recording.

It prints one line per finding: what is wrong, and how to fix it (moonfirefs
repair).

Exit status: 0 if there are no findings, 1 if there are some, 2 if the check
failed.`,
		Example: `  moonfirefs check --hash
  moonfirefs check --json`,
		Args: asUsage(noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.stored && !f.hash {
				return &usageError{errors.New("--stored-checksums is for --hash: give both")}
			}
			log, err := g.logger(cmd)
			if err != nil {
				return err
			}
			return runCheck(cmd, g.store, f, log)
		},
	}
	cmd.Flags().BoolVar(&f.index, "index", true, "decode the sample table of each recording")
	cmd.Flags().BoolVar(&f.hash, "hash", false, "read all sample files and compare their digests")
	cmd.Flags().BoolVar(&f.stored, "stored-checksums", false, "with --hash: compare the SHA-256 that an object store has of footage in a bucket, instead of reading it")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON; docs/check.md describes it")
	f.progress.add(cmd)
	return cmd
}

func runCheck(cmd *cobra.Command, path string, f *checkFlags, log *slog.Logger) error {
	report, err := f.check(cmd, path, log)
	if err != nil {
		return &statusError{err: err, status: exitUnchecked}
	}
	if report.Reserved > 0 {
		log.Info("some file names are reserved, by the running recorder or by one that crashed; the next run cleans up after a crash", "names", report.Reserved)
	}
	if f.json {
		err = printJSON(cmd.OutOrStdout(), checkedOf(report), storeIndent)
	} else {
		err = printFindings(cmd.OutOrStdout(), report)
	}
	switch {
	case err != nil: // who waits for the findings does not have them
		return &statusError{err: err, status: exitUnchecked}
	case !report.Clean():
		return &statusError{err: fmt.Errorf("check: %s", counted(findings(report), "finding")), status: exitFailure}
	}
	return nil
}

// findings counts them, those that are left out included.
func findings(report *check.Report) int64 {
	found := int64(len(report.Findings))
	for _, more := range report.More {
		found += more
	}
	return found
}

func printFindings(out io.Writer, report *check.Report) error {
	for i := range report.Findings {
		if _, err := fmt.Fprintln(out, printable.Text(report.Findings[i].String())); err != nil {
			return err
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(report.More)) {
		if _, err := fmt.Fprintf(out, "%s: and %d more\n", kind, report.More[kind]); err != nil {
			return err
		}
	}
	if !report.Clean() {
		return nil
	}
	_, err := fmt.Fprintf(out, "Clean: %s, %s, %s of footage read.\n",
		counted(report.Recordings, "recording"), counted(report.Files, "sample file"), humanize.Bytes(uint64(report.Bytes)))
	return err
}

// checked is the outcome of a check for programs.
type checked struct {
	Clean       bool  `json:"clean"`
	Recordings  int64 `json:"recordings"`
	SampleFiles int64 `json:"sampleFiles"`
	// BytesRead is 0 without --hash.
	BytesRead     int64     `json:"bytesRead"`
	ReservedNames int64     `json:"reservedNames"`
	Findings      []finding `json:"findings"`
	// More counts, by kind, the findings that are left out.
	More map[check.Kind]int64 `json:"more,omitempty"`
}

// finding is one of them.
type finding struct {
	Kind check.Kind `json:"kind"`
	// Recording is missing where the finding is not about one.
	Recording moonfirefs.RecordingID `json:"recording,omitempty"`
	// File is the name of a sample file, missing where the finding is not about one.
	File   string `json:"file,omitempty"`
	Text   string `json:"text"`
	Remedy string `json:"remedy"`
}

func checkedOf(report *check.Report) checked {
	c := checked{
		Clean: report.Clean(), Recordings: report.Recordings, SampleFiles: report.Files, BytesRead: report.Bytes,
		ReservedNames: report.Reserved, Findings: []finding{}, More: report.More,
	}
	for _, f := range report.Findings {
		line := finding{Kind: f.Kind, Recording: f.Recording, Text: f.Text, Remedy: f.Remedy}
		if f.File != uuid.Nil {
			line.File = f.File.String()
		}
		c.Findings = append(c.Findings, line)
	}
	return c
}

// check opens the store and checks it. A database that is too damaged to be opened
// is a finding.
func (f *checkFlags) check(cmd *cobra.Command, path string, log *slog.Logger) (*check.Report, error) {
	s, err := store.Open(cmd.Context(), path, store.Reading, log)
	if errors.Is(err, moonfirefs.ErrCorrupt) {
		return check.Unopened(err), nil
	}
	if err != nil {
		return nil, err
	}
	defer closing(log, s)
	o := check.Options{Index: f.index, Hash: f.hash, Stored: f.stored}
	if f.progress.wanted(cmd) {
		var end func()
		o.Progress, end = showChecking(cmd.ErrOrStderr(), f.hash)
		defer end()
	}
	report, err := check.Check(cmd.Context(), s, o)
	if err != nil {
		return nil, err
	}
	return report, checkRooms(cmd.Context(), report, s, path)
}

// showChecking returns a function that shows progress: of bytes if all of them are
// read, and of recordings otherwise.
func showChecking(w io.Writer, hash bool) (show func(check.Progress), end func()) {
	if hash {
		bar := newProgress(w, "checking", "")
		return func(now check.Progress) { bar.show(now.Bytes, now.TotalBytes) }, bar.end
	}
	bar := newProgress(w, "checking", "recordings")
	return func(now check.Progress) { bar.show(now.Recordings, now.TotalRecordings) }, bar.end
}
