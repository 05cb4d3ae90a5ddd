package camera

import (
	"cmp"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/asticode/go-astiav"
)

// ErrClosed is returned by Next when the session has been closed.
var ErrClosed = errors.New("session is closed")

var errNoVideo = errors.New("no video stream")

// maxErrno is the greatest error number of the kernel's (linux/err.h).
const maxErrno = 4095

// describe says in words what an error of libavformat means for an RTSP
// session. waited is how long the failed call took.
func (s *Session) describe(err error, waited time.Duration) error {
	if cause := s.interrupter.stopped(); cause != nil {
		return cause
	}
	var code astiav.Error
	if !errors.As(err, &code) {
		return err
	}
	if s.libav.answers.noVideo {
		return errNoVideo // and PLAY of nothing is refused
	}
	switch code {
	case astiav.ErrHttpUnauthorized:
		if !s.authenticates {
			return errors.New("401 unauthorized: a user name and password are needed")
		}
		return errors.New("401 unauthorized: wrong user name or password")
	case astiav.ErrHttpForbidden:
		return errors.New("403 forbidden: the user may not see this stream")
	case astiav.ErrHttpNotFound:
		return errors.New("404 not found: no such stream")
	case astiav.ErrHttpBadRequest:
		return errors.New("400 bad request: the camera does not accept this URL")
	case astiav.ErrHttpOther4Xx, astiav.ErrHttpServerError:
		return fmt.Errorf("the camera refuses %s", cmp.Or(s.libav.secrets.redact(s.libav.answers.refusal), "the connection"))
	case astiav.Error(-int(syscall.EPROTONOSUPPORT)):
		return errors.New("the camera does not offer this transport")
	case astiav.Error(-int(syscall.EIO)):
		return errors.New("the connection ended in the middle of a packet")
	case astiav.ErrEof:
		return errors.New("the camera closed the connection")
	case astiav.ErrEtimedout:
		return s.noAnswer()
	case astiav.ErrInvaliddata:
		// libavformat also says this when the first answer did not come.
		if waited >= s.socketTimeout {
			return s.noAnswer()
		}
		return errors.New("not an RTSP server")
	}
	if code < 0 && code >= -maxErrno {
		return syscall.Errno(-code)
	}
	return err
}

func (s *Session) noAnswer() error {
	return fmt.Errorf("no answer within %v", s.socketTimeout)
}
