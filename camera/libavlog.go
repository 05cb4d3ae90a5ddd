// SPDX-License-Identifier: GPL-3.0-or-later

package camera

// #cgo pkg-config: libavutil
// #include <stdint.h>
// #include <libavutil/log.h>
// void moonfireDirectLibavLog(void);
// void moonfireEnterLibav(uintptr_t session, int level);
import "C"

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/cgo"
	"strings"
	"sync"
	"time"
)

// A session logs no more than maxLibavLines of libav's lines in a
// libavLogWindow: some are written for each damaged packet.
const (
	maxLibavLines  = 100
	libavLogWindow = time.Minute
)

// libavLog has the lines of libav that are about one session. They carry no hint
// of it, so the thread that is in libav remembers on whose behalf.
//
// What libav calls a warning or an error is logged at debug level too: it is
// often one line per damaged frame, and whatever ends a session is returned as
// an error as well. Only what it calls fatal is logged as a warning. Where debug
// lines are not wanted, they are not even formatted.
type libavLog struct {
	log     *slog.Logger
	secrets secrets
	// handle is how C refers to this.
	handle cgo.Handle
	// level is the last of libav's levels that is logged.
	level C.int

	// What follows belongs to the thread that is in libav.

	// begin is that of the present window.
	begin time.Time
	// lines and leftOut count those of the window.
	lines, leftOut int
}

// newLibavLog must be closed.
func newLibavLog(log *slog.Logger, secrets secrets) *libavLog {
	directLibavLog()
	l := &libavLog{log: log, secrets: secrets, level: C.AV_LOG_FATAL}
	if log.Enabled(context.Background(), slog.LevelDebug) {
		l.level = C.AV_LOG_DEBUG
	}
	l.handle = cgo.NewHandle(l)
	return l
}

func (l *libavLog) close() { l.handle.Delete() }

// enter is called before libav is, on the same goroutine, and leave thereafter.
func (l *libavLog) enter() {
	runtime.LockOSThread()
	C.moonfireEnterLibav(C.uintptr_t(l.handle), l.level)
}

func (l *libavLog) leave() {
	C.moonfireEnterLibav(0, C.AV_LOG_FATAL)
	runtime.UnlockOSThread()
}

// add logs a line, unless there have been too many.
func (l *libavLog) add(level slog.Level, text string) {
	now := time.Now()
	if now.Sub(l.begin) >= libavLogWindow {
		if l.leftOut > 0 {
			l.log.Debug("libav lines were left out", "lines", l.leftOut)
		}
		l.begin, l.lines, l.leftOut = now, 0, 0
	}
	if l.lines++; l.lines > maxLibavLines {
		l.leftOut++
		return
	}
	l.log.Log(context.Background(), level, "libav", "line", l.secrets.redact(text))
}

// directLibavLog directs the log of the libav libraries, of which a process has
// one, away from standard error.
//
// This is done in C rather than through go-astiav, whose log callback formats
// into 1024 bytes without a bound.
var directLibavLog = sync.OnceFunc(func() { C.moonfireDirectLibavLog() })

//export moonfireLibavLog
func moonfireLibavLog(owner C.uintptr_t, libavLevel C.int, line *C.char, cut C.int) {
	text := C.GoString(line)
	if cut != 0 {
		// Half a word could be half a secret.
		text = text[:strings.LastIndexAny(text, " \t\r\n")+1]
	}
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	level := slog.LevelDebug
	if libavLevel <= C.AV_LOG_FATAL {
		level = slog.LevelWarn
	}
	if owner == 0 {
		slog.Default().Log(context.Background(), level, "libav", "line", RedactText(text))
		return
	}
	cgo.Handle(owner).Value().(*libavLog).add(level, text)
}
