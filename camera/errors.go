// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"errors"
	"syscall"

	"github.com/moonfirefs/moonfirefs/internal/rtsp"
)

// ErrClosed is returned by Next when the session has been closed.
var ErrClosed = errors.New("session is closed")

var (
	errNoVideo = errors.New("no video stream")
	errGoodbye = errors.New("the camera has ended the stream")
	// errAudioAlone is why a session is tried again without audio.
	errAudioAlone = errors.New("the camera sends no video beside audio")
)

// describe makes an error of a session fit to be told: a camera can repeat in it what it
// was sent.
func (r *rtspSource) describe(err error) error {
	var refusal *rtsp.StatusError
	var redirection *rtsp.RedirectError
	var errno syscall.Errno
	switch {
	case errors.Is(err, rtsp.ErrTransport):
		return rtsp.ErrTransport
	case errors.As(err, &refusal):
		told := *refusal
		told.Reason = r.secrets.redact(told.Reason)
		return &told
	case errors.As(err, &redirection):
		told := *redirection
		told.Location = r.secrets.redact(told.Location)
		return &told
	case errors.As(err, &errno):
		return errno
	}
	return err
}
