package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	moonfire "github.com/moonfirefs/moonfire"
	"github.com/moonfirefs/moonfire/internal/check"
	"github.com/moonfirefs/moonfire/internal/store"
)

// checkFlags are the flags of check.
type checkFlags struct {
	index, hash, progress bool
}

func newCheckCommand(g *global) *cobra.Command {
	f := &checkFlags{}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check that the store keeps its promises",
		Long: `Checks that each recording has its sample file and each sample file its
recording, that the index is sound, and that each recording's table of samples
agrees with its row. With --hash, it reads all footage and compares digests. It
changes nothing, and works beside a running recorder.

It prints a line for each finding: what is wrong, and what can be done about it
(moonfirefs repair).

Exit status: 0 if all is well, 1 if there are findings, 2 if it could not check.`,
		Example: `  moonfirefs check --hash`,
		Args:    asUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("progress") {
				f.progress = isTerminal(cmd.ErrOrStderr())
			}
			log, err := g.logger(cmd)
			if err != nil {
				return err
			}
			return runCheck(cmd, g.store, f, log)
		},
	}
	cmd.Flags().BoolVar(&f.index, "index", true, "decode the table of samples of each recording")
	cmd.Flags().BoolVar(&f.hash, "hash", false, "read all sample files and compare their SHA-1")
	cmd.Flags().BoolVar(&f.progress, "progress", false, "show progress, throughput and remaining time (default: on a terminal)")
	return cmd
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func runCheck(cmd *cobra.Command, path string, f *checkFlags, log *slog.Logger) error {
	report, err := f.check(cmd.Context(), path, cmd.ErrOrStderr(), log)
	if err != nil {
		return &statusError{err: err, status: exitUnchecked}
	}
	out := cmd.OutOrStdout()
	for i := range report.Findings {
		if _, err := fmt.Fprintln(out, &report.Findings[i]); err != nil {
			return err
		}
	}
	if report.Reserved > 0 {
		log.Info("some names are reserved: by a recorder that runs, or left by a crash, after which the next run cleans up", "names", report.Reserved)
	}
	if !report.Clean() {
		return &statusError{err: fmt.Errorf("check: %d findings", len(report.Findings)), status: exitFailure}
	}
	_, err = fmt.Fprintf(out, "Clean: %d recordings, %d sample files, %s of footage read.\n",
		report.Recordings, report.Files, humanize.Bytes(uint64(report.Bytes)))
	return err
}

// check opens the store and checks it. A database that is too damaged to be opened
// is a finding.
func (f *checkFlags) check(ctx context.Context, path string, bar io.Writer, log *slog.Logger) (*check.Report, error) {
	s, err := store.Open(ctx, path, store.Reading, log)
	if errors.Is(err, moonfire.ErrCorrupt) {
		return check.Unopened(err), nil
	}
	if err != nil {
		return nil, err
	}
	defer closing(log, s)
	o := check.Options{Index: f.index, Hash: f.hash}
	if f.progress {
		progress := newProgress(bar, f.hash)
		defer progress.end()
		o.Progress = progress.show
	}
	return check.Check(ctx, s, o)
}

// progressEvery is how often the bar is drawn.
const progressEvery = 200 * time.Millisecond

// progress is a bar that shows how far a check is.
type progress struct {
	bar  *progressbar.ProgressBar
	hash bool
}

// newProgress counts bytes if there are any to read, and recordings otherwise.
func newProgress(w io.Writer, hash bool) *progress {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("checking"),
		progressbar.OptionShowBytes(hash),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetWidth(20),
		progressbar.OptionThrottle(progressEvery),
		progressbar.OptionClearOnFinish(),
	}
	if !hash {
		options = append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString("recordings"))
	}
	return &progress{hash: hash, bar: progressbar.NewOptions64(1, options...)}
}

func (p *progress) show(now check.Progress) {
	done, total := now.Recordings, now.TotalRecordings
	if p.hash {
		done, total = now.Bytes, now.TotalBytes
	}
	// What is recorded meanwhile comes on top; and the bar ends itself at its end.
	total = max(total, done) + 1
	if p.bar.GetMax64() != total {
		p.bar.ChangeMax64(total)
	}
	_ = p.bar.Set64(done) // an ornament
}

func (p *progress) end() { _ = p.bar.Finish() }
