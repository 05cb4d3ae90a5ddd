// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/recorder"
)

// stuckAfter is longer than a disk takes that is going to answer: the kernel's own
// attempts to reset one end earlier.
const stuckAfter = 5 * time.Minute

// dirStatuser is what a service needs of a *recorder.Recorder; tests have their own.
type dirStatuser interface {
	DirStatus() []recorder.DirStatus
}

// service tells systemd that the program is ready, how it is doing, and that it is
// alive. Where systemd has not started the program, it does nothing.
type service struct {
	recorder dirStatuser
	mount    Mount
	log      *slog.Logger
	// every is how often to say that the program is alive; 0 means never.
	every time.Duration
	text  string
}

func newService(r dirStatuser, mount Mount, log *slog.Logger) *service {
	s := &service{recorder: r, mount: mount, log: log}
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd watchdog not fed", "err", err)
	}
	s.every = limit / 2 // as sd_watchdog_enabled(3) recommends
	s.notify(daemon.SdNotifyReady)
	return s
}

func (s *service) notify(state string) { notify(state, s.log) }

// TellReady tells systemd that a program is ready which has no recorder. Where systemd has
// not started it, it does nothing.
func TellReady(log *slog.Logger) { notify(daemon.SdNotifyReady, log) }

func notify(state string, log *slog.Logger) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Debug("cannot notify systemd", "err", err)
	}
}

// run says that the program is alive for as long as that is so.
func (s *service) run(ctx context.Context) {
	if s.every == 0 {
		return
	}
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	for {
		s.beat()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// beat tells the watchdog of systemd that the program is alive, if it is.
func (s *service) beat() {
	if s.alive() {
		s.notify(daemon.SdNotifyWatchdog)
	} else {
		s.log.Error("the recorder or the mount is stuck: systemd will not be told that all is well")
	}
}

// alive tells whether recording goes on in some directory, and whether the mount, if
// there is one, is at work. That one disk of several hangs is no
// reason to interrupt the others.
func (s *service) alive() bool {
	if !s.mount.Alive(stuckAfter) {
		return false
	}
	dirs := s.recorder.DirStatus()
	for _, d := range dirs {
		if d.BusyFor < stuckAfter {
			return true
		}
	}
	return len(dirs) == 0
}

// tell shows the status in a line, as "systemctl status" does.
func (s *service) tell(r *status.Report) {
	recorded := 0
	for i := range r.Streams {
		if l := r.Streams[i].Live; l != nil && !l.ConnectedSince.IsZero() && l.InterruptedSince.IsZero() {
			recorded++
		}
	}
	text := fmt.Sprintf("Recording %d of %d streams.", recorded, len(r.Streams))
	if len(r.Problems) > 0 {
		text += " " + printable.Text(r.Problems[0].Text) // a second line would be another message
	}
	if text != s.text {
		s.text = text
		s.notify("STATUS=" + text)
	}
}

func (s *service) stopping() { s.notify(daemon.SdNotifyStopping) }
