// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNotRTSP is returned when what answers does not speak RTSP.
	ErrNotRTSP = errors.New("not an RTSP server")
	// ErrHungUp is returned when the camera has closed the connection.
	ErrHungUp = errors.New("the camera closed the connection")
	// ErrForgotten is returned when the camera sends nothing and says that there is no such
	// session.
	ErrForgotten = errors.New("the camera has forgotten the session")
	// ErrCut is returned when it did so in the middle of a packet.
	ErrCut = errors.New("the connection ended in the middle of a packet")
	// ErrCredentialsNeeded is returned when the camera wants credentials and there are
	// none.
	ErrCredentialsNeeded = errors.New("401 unauthorized: a user name and password are needed")
	// ErrWrongCredentials is returned when the camera has refused the credentials by
	// each of the ways to authenticate that it offers.
	ErrWrongCredentials = errors.New("401 unauthorized: wrong user name or password")
	// ErrTransport is returned when the camera does not offer TCP, or UDP, whichever is
	// configured.
	ErrTransport = errors.New("the camera does not offer this transport")
	// ErrNoTunnel is returned when what answers is no web server, or hangs up, where RTSP
	// goes through HTTP.
	ErrNoTunnel = errors.New("not a server of RTSP through HTTP")
	// ErrTunnelTransport is returned when UDP is configured where RTSP goes through HTTP.
	ErrTunnelTransport = errors.New("through HTTP, packets come by TCP only: set the transport to tcp")
)

// NoAnswerError says that nothing came from the camera for some time.
type NoAnswerError struct{ Within time.Duration }

func (e *NoAnswerError) Error() string { return fmt.Sprintf("no answer within %v", e.Within) }

// StatusError is a refusal. Reason is the camera's own text.
type StatusError struct {
	Method string
	Code   int
	Reason string
}

func (e *StatusError) Error() string {
	switch e.Code {
	case 400:
		return "400 bad request: the camera does not accept this URL"
	case 403:
		return "403 forbidden: the user may not see this stream"
	case 404:
		return "404 not found: no such stream"
	}
	text := fmt.Sprintf("the camera refuses %s: %d", e.Method, e.Code)
	if e.Reason != "" {
		text += " " + e.Reason
	}
	return text
}

// Is tells that a refusal of the transport is ErrTransport.
func (e *StatusError) Is(target error) bool {
	return target == ErrTransport && e.Code == statusUnsupportedTransport
}

// RedirectError is a redirection that is not followed. Location is the camera's own
// text.
type RedirectError struct{ Location, Why string }

func (e *RedirectError) Error() string {
	return fmt.Sprintf("the camera redirects to %s: %s", e.Location, e.Why)
}

// MovedError is a redirection in answer to SETUP or PLAY. Conn.Follow goes there. Location is
// the camera's own text.
type MovedError struct{ Method, Location string }

func (e *MovedError) Error() string {
	return fmt.Sprintf("the camera redirects %s to %s", e.Method, e.Location)
}
