// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/status"
)

// maxHooks bounds how many commands run at a time.
const maxHooks = 2

// maxHookOutput bounds what of a command's output goes to the log.
const maxHookOutput = 1 << 10

// subject is something that can be in trouble and recover: a stream or a sample
// directory.
type subject struct{ folder, directory string }

// hook runs a command of the user's when a subject gets into trouble or out of it.
//
// It compares what each look shows with what the command was told last, and tells
// it of the difference when it may: so nothing queues up, a subject that comes and
// goes is told of once in a while, and what is told last is true.
type hook struct {
	ctx     context.Context
	command string
	pause   time.Duration
	timeout time.Duration
	log     *slog.Logger

	// told belongs to the goroutine that observes.
	told map[subject]*telling
	wg   sync.WaitGroup

	mu      sync.Mutex // guards what follows
	running map[subject]bool
}

// telling is what the command knows of a subject.
type telling struct {
	trouble bool
	at      time.Time
}

func newHook(ctx context.Context, o *Options) *hook {
	return &hook{
		ctx: ctx, command: o.Hook, pause: o.HookPause, timeout: o.HookTimeout, log: o.Logger,
		told: make(map[subject]*telling), running: make(map[subject]bool),
	}
}

// wait returns when no command runs any more. The context must have ended.
func (h *hook) wait() { h.wg.Wait() }

// diskKinds are the problems that are told of as trouble with a disk.
var diskKinds = []status.Kind{
	status.DiskMissing, status.DiskFull, status.DiskSilent, status.CommitsFail, status.JournalsFail,
	status.Quarantine, status.NotRecorded,
}

// troubles picks the problems that the command is told of, the worst of each
// subject.
func troubles(problems []status.Problem) map[subject]status.Problem {
	found := make(map[subject]status.Problem)
	for _, p := range slices.Backward(problems) {
		switch {
		case p.Kind == status.CameraAway:
			found[subject{folder: p.Folder}] = p
		case slices.Contains(diskKinds, p.Kind):
			found[subject{directory: p.Directory}] = p
		}
	}
	return found
}

// observe runs the command where there is something to tell and it may. It does
// not wait.
func (h *hook) observe(r *status.Report) {
	now := time.Now() // with Go's monotonic reading
	found := troubles(r.Problems)
	for s, p := range found {
		if t := h.told[s]; (t == nil || !t.trouble && now.Sub(t.at) >= h.pause) && h.start(r, s, &p) {
			h.told[s] = &telling{true, now}
		}
	}
	for s, t := range h.told {
		if _, trouble := found[s]; !trouble && t.trouble && now.Sub(t.at) >= h.pause && h.start(r, s, nil) {
			h.told[s] = &telling{false, now}
		}
	}
}

// start runs the command for a subject with a problem, or one that has none any
// more, unless too many run or one for the same subject does.
func (h *hook) start(r *status.Report, s subject, p *status.Problem) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running[s] || len(h.running) >= maxHooks {
		return false
	}
	h.running[s] = true
	variables := eventVariables(r, s, p)
	h.wg.Go(func() {
		h.run(variables)
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.running, s)
	})
	return true
}

// eventVariables say what has happened.
func eventVariables(r *status.Report, s subject, p *status.Problem) []string {
	variables := []string{"MOONFIREFS_TIME=" + r.Time.Format(time.RFC3339)}
	event, text := "disk-recovered", "The disk of "+s.directory+" is in order again."
	if s.folder != "" {
		event, text = "camera-back", "Camera "+s.folder+" is back."
		variables = append(variables, "MOONFIREFS_FOLDER="+s.folder)
		for i := range r.Streams {
			if r.Streams[i].Folder == s.folder {
				variables = append(variables, "MOONFIREFS_CAMERA="+r.Streams[i].Camera, "MOONFIREFS_STREAM="+string(r.Streams[i].Stream))
			}
		}
	} else {
		variables = append(variables, "MOONFIREFS_DIRECTORY="+s.directory)
	}
	if p != nil {
		event, text = "disk-trouble", p.Text
		if s.folder != "" {
			event = "camera-lost"
		}
		variables = append(variables, "MOONFIREFS_PROBLEM="+string(p.Kind))
		if !p.Since.IsZero() {
			variables = append(variables, "MOONFIREFS_SINCE="+p.Since.Format(time.RFC3339))
		}
	}
	variables = append(variables, "MOONFIREFS_EVENT="+event, "MOONFIREFS_TEXT="+text)
	for i := range variables {
		variables[i] = printable.Text(variables[i]) // with a NUL, nothing would be run
	}
	return variables
}

// run runs the command, and kills it with all that it has started when it takes too
// long or the recorder ends.
func (h *hook) run(variables []string) {
	ctx, cancel := context.WithTimeout(h.ctx, h.timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", h.command)
	cmd.Env = append(hookEnvironment(), variables...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for output that nobody writes any more
	var output tail
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	switch {
	case h.ctx.Err() != nil: // the recorder ends
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		h.log.Warn("the hook was killed: it took too long", "limit", h.timeout)
	case err != nil:
		h.log.Warn("the hook has failed", "err", err, "output", output.String())
	}
}

// hookEnvironment is ours, but for what is meant for us alone.
func hookEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return strings.HasPrefix(name, "MOONFIREFS_") || name == "NOTIFY_SOCKET" || strings.HasPrefix(name, "WATCHDOG_")
	})
}

// tail keeps the end of what is written to it.
type tail struct{ buffer bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	t.buffer.Write(p)
	if surplus := t.buffer.Len() - maxHookOutput; surplus > 0 {
		t.buffer.Next(surplus)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(t.buffer.String()) }
