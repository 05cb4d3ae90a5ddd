// SPDX-License-Identifier: GPL-3.0-or-later

package pullpoint

import (
	"net/http"

	"github.com/icholy/digest"
)

// login answers what a camera asks who wants HTTP's digest authentication (RFC 7616): newer ones
// do, instead of a token in the request or besides. Nothing is sent to who asks for a password in
// clear.
type login struct {
	challenge *digest.Challenge
	// uses counts the answers to it.
	uses int
}

// challenged notes what a camera has asked. It returns false if that cannot be answered.
func (l *login) challenged(h http.Header) bool {
	challenge, err := digest.FindChallenge(h)
	if err != nil || !digest.CanDigest(challenge) {
		return false
	}
	l.challenge, l.uses = challenge, 0
	return true
}

// authorize says in a request who asks, if a camera has asked before.
func (l *login) authorize(r *http.Request, username, password string) error {
	if l.challenge == nil {
		return nil
	}
	l.uses++
	credentials, err := digest.Digest(l.challenge, digest.Options{
		Method: r.Method, URI: r.URL.RequestURI(), GetBody: r.GetBody, Count: l.uses, Username: username, Password: password,
	})
	if err == nil {
		r.Header.Set("Authorization", credentials.String())
	}
	return err
}
