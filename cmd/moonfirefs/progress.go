// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// progressFlag asks for a progress bar; without it there is one on a terminal.
type progressFlag bool

func (f *progressFlag) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar((*bool)(f), "progress", false, "show progress, throughput and time left (default: on a terminal)")
}

// wanted tells whether to show progress.
func (f *progressFlag) wanted(cmd *cobra.Command) bool {
	if cmd.Flags().Changed("progress") {
		return bool(*f)
	}
	return isTerminal(cmd.ErrOrStderr())
}

func isTerminal(w any) bool {
	if u, ok := w.(*unhurried); ok {
		w = u.out
	}
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// progressEvery is how often the bar is drawn.
const progressEvery = 200 * time.Millisecond

// progress is a bar that shows how far some work is.
type progress struct{ bar *progressbar.ProgressBar }

// newProgress counts things of a kind, or bytes if that is "".
func newProgress(w io.Writer, what, kind string) *progress {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(kind == ""),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetWidth(20),
		progressbar.OptionThrottle(progressEvery),
		progressbar.OptionClearOnFinish(),
	}
	if kind != "" {
		options = append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString(kind))
	}
	return &progress{progressbar.NewOptions64(1, options...)}
}

func (p *progress) show(done, total int64) {
	// What comes on top meanwhile counts; and the bar ends itself at its end.
	total = max(total, done) + 1
	if p.bar.GetMax64() != total {
		p.bar.ChangeMax64(total)
	}
	_ = p.bar.Set64(done) // an ornament
}

func (p *progress) end() { _ = p.bar.Finish() }
