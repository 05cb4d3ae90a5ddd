// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/moonfirefs/moonfirefs/internal/rtsp"
)

// maxErrno is the greatest error number of the kernel's (linux/err.h).
const maxErrno = 4095

// describe says in words what an error of libavformat means. waited is how long the
// failed call took.
func (l *libavSource) describe(err error, waited time.Duration) error {
	if cause := l.interrupter.stopped(); cause != nil {
		return cause
	}
	if l.memory.exceeded() {
		return errMemory
	}
	var code astiav.Error
	if !errors.As(err, &code) {
		return err
	}
	switch code {
	case astiav.ErrHttpUnauthorized:
		if !l.authenticates {
			return rtsp.ErrCredentialsNeeded
		}
		return rtsp.ErrWrongCredentials
	case astiav.ErrHttpForbidden:
		return &rtsp.StatusError{Code: 403}
	case astiav.ErrHttpNotFound:
		return &rtsp.StatusError{Code: 404}
	case astiav.ErrHttpBadRequest:
		return &rtsp.StatusError{Code: 400}
	case astiav.ErrHttpOther4Xx, astiav.ErrHttpServerError:
		return errors.New("the server refuses the connection")
	case astiav.ErrProtocolNotFound:
		return errors.New("this libavformat does not know the protocol, or it must not be used here")
	case astiav.ErrEof:
		return rtsp.ErrHungUp
	case astiav.ErrEtimedout:
		return &rtsp.NoAnswerError{Within: l.socketTimeout}
	case astiav.Error(-int(syscall.EIO)):
		if waited >= l.socketTimeout {
			return &rtsp.NoAnswerError{Within: l.socketTimeout}
		}
		return errors.New("the connection has failed")
	case astiav.Error(-int(syscall.EINVAL)): // "not on whitelist"
		return errors.New("what it sends is in no form that is recorded")
	case astiav.ErrInvaliddata:
		return errors.New("what it sends is in no form that is known")
	}
	if code < 0 && code >= -maxErrno {
		return syscall.Errno(-code)
	}
	return fmt.Errorf("libavformat: %w", err)
}
