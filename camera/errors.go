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

// Refuses tells whether an error of Open says that the camera has answered and does not
// give the stream, so that there is no use in asking again soon: the credentials are
// wrong, or there is no such stream.
func Refuses(err error) bool {
	for _, refusal := range []error{rtsp.ErrCredentialsNeeded, rtsp.ErrWrongCredentials, rtsp.ErrTransport, rtsp.ErrTunnelTransport, rtsp.ErrNotRTSP, rtsp.ErrNoTunnel, errNoVideo} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	var status *rtsp.StatusError
	var redirection *rtsp.RedirectError
	var certificate *rtsp.FingerprintError
	if errors.As(err, &status) {
		return status.Code >= 400 && status.Code < 500 && status.Code != notEnoughBandwidth
	}
	return errors.As(err, &redirection) || errors.As(err, &certificate)
}

// notEnoughBandwidth is what cameras answer that have no session left (RFC 2326 §11.3.3):
// soon they may.
const notEnoughBandwidth = 453

// describe makes an error of a session fit to be told: a camera can repeat in it what it
// was sent.
func (r *rtspSource) describe(err error) error {
	var refusal *rtsp.StatusError
	var redirection *rtsp.RedirectError
	var moved *rtsp.MovedError
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
	case errors.As(err, &moved):
		told := *moved
		told.Location = r.secrets.redact(told.Location)
		return &told
	case errors.As(err, &errno):
		return errno
	}
	return err
}
