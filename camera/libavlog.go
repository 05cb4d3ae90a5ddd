package camera

// #cgo pkg-config: libavutil
// #include <libavutil/log.h>
// void moonfireDirectLibavLog(int level);
import "C"

import (
	"context"
	"log/slog"
	"strings"
	"sync"
)

// directLibavLog directs the log of the libav libraries, of which a process has
// one, away from standard error and to slog.Default. Nothing in a line says
// which session it is about, except sometimes its words.
//
// What libav calls a warning or an error is logged at debug level too: it is
// often one line per damaged frame, and whatever ends a session is returned as
// an error as well. Only what it calls fatal is logged as a warning. Whether
// debug lines are wanted is decided once, here, so that unwanted ones cost
// nothing. Levels beyond debug stay off: they show the Authorization header.
//
// This is done in C rather than through go-astiav, whose log callback formats
// into 1024 bytes without a bound: the session description of a camera is
// logged in one line that can be longer.
var directLibavLog = sync.OnceFunc(func() {
	level := C.int(C.AV_LOG_FATAL)
	if slog.Default().Enabled(context.Background(), slog.LevelDebug) {
		level = C.AV_LOG_DEBUG
	}
	C.moonfireDirectLibavLog(level)
})

//export moonfireLibavLog
func moonfireLibavLog(libavLevel C.int, line *C.char) {
	text := strings.TrimSpace(C.GoString(line))
	if text == "" {
		return
	}
	level := slog.LevelDebug
	if libavLevel <= C.AV_LOG_FATAL {
		level = slog.LevelWarn
	}
	slog.Default().Log(context.Background(), level, "libav", "line", redactText(text))
}
