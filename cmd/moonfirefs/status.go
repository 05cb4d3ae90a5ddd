// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/internal/monitor"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

func newStatusCommand(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the recorder's status",
		Long: `Shows the status of the store's running recorder, problems first. The mount
shows the same in status.json and index.html, at most a minute old, to whoever
may see the footage.

Exit status: 0 if there is no problem, 1 if there is one, 2 if no recorder is running.`,
		Example: `  moonfirefs status
  moonfirefs status --json | jq -r '.problems[].text'`,
		Args: asUsage(noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return showStatus(cmd.OutOrStdout(), g.store, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON; docs/status.md describes it")
	return cmd
}

func showStatus(out io.Writer, path string, asJSON bool) error {
	r, err := monitor.Ask(path)
	if errors.Is(err, fs.ErrPermission) {
		if m, ok := mountOf(path); ok && m.report != nil {
			r, err = m.report, nil
		}
	}
	if err != nil {
		return statusUnknown(path, err)
	}
	if asJSON {
		err = printJSON(out, r, storeIndent)
	} else {
		err = printStatus(out, r)
	}
	if err == nil && len(r.Problems) > 0 {
		err = &statusError{err: errors.New(counted(len(r.Problems), "problem")), status: exitFailure}
	}
	return err
}

// statusUnknown tells a recorder that does not answer, which is wrong, from none.
func statusUnknown(path string, err error) error {
	switch {
	case !store.Exists(path):
		err = fmt.Errorf("there is no store in %s (create one with: moonfirefs init)", path)
	case errors.Is(err, monitor.ErrNoRecorder):
		err = fmt.Errorf("%w for the store %s (start one with: moonfirefs run MOUNTPOINT)", monitor.ErrNoRecorder, path)
	case !errors.Is(err, fs.ErrPermission):
		return err
	}
	return &statusError{err: err, status: exitNoRecorder}
}

func printStatus(out io.Writer, r *status.Report) error {
	words := r.Words()
	t := newTable(out)
	for _, p := range r.Problems {
		t.row("PROBLEM: " + p.Text)
	}
	if len(r.Problems) == 0 {
		t.line("OK")
	}
	t.line(fmt.Sprintf("Recording since %s.", words.Moment(r.Since)))
	if b := r.Backup; b != nil && !b.Succeeded.IsZero() {
		t.line(fmt.Sprintf("Last backup %s.", words.Moment(b.Succeeded)))
	}
	printStreams(t, r, words)
	t.line("\nDIRECTORY\tSPACE\tUSED BY FOOTAGE\tQUOTAS")
	for i := range r.Directories {
		d := &r.Directories[i]
		t.row(d.Path, d.SpaceText(), status.BytesText(d.UsedBytes), status.BytesText(d.QuotaBytes))
	}
	printTiers(t, r)
	return t.flush()
}

// printStreams tells of the cameras, if there are any.
func printStreams(t table, r *status.Report, words status.Words) {
	if len(r.Streams) == 0 {
		t.line("\n" + noCameras)
		return
	}
	t.line("\nCAMERA\tSTATE\tLAST FRAME\tGAPS TODAY")
	for i := range r.Streams {
		s := &r.Streams[i]
		t.row(s.Folder, words.State(s), words.LastFrame(s), s.GapsToday.Text())
	}
	t.line("\nCAMERA\tBIT RATE\tDRIFT\tGOES BACK\tFULL IN\tRECORDED")
	for i := range r.Streams {
		s := &r.Streams[i]
		t.row(s.Folder, status.BitRateText(float64(s.BitRate)), s.DriftText(), s.BackText(), s.FullText(), s.RecordedText())
	}
}

// printTiers tells where footage moves, if any does.
func printTiers(t table, r *status.Report) {
	header := "\nMOVES FROM\tTO\tAFTER\tUSED THERE\tSTATE"
	for i := range r.Streams {
		s := &r.Streams[i]
		if s.Tier == nil {
			continue
		}
		if header != "" {
			t.line(header)
			header = ""
		}
		t.row(s.Folder, s.Tier.Directory, status.AgeText(time.Duration(s.Tier.AfterSeconds*float64(time.Second))),
			status.BytesText(s.Tier.SampleFileBytes)+" of "+status.BytesText(s.Tier.RetainBytes), s.Tier.StateText())
	}
}
