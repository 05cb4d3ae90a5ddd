// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"
)

// authenticator answers the challenges of a camera with the strongest of the ways to
// authenticate that it offers and that is not refused.
type authenticator struct {
	username, password string
	// hasCredentials says whether there are any; they can be empty.
	hasCredentials bool
	// chosen is the challenge that is answered; nil before the first one.
	chosen *challenge
	// accepted says that the camera has accepted what chosen led to. Then another
	// challenge means that the nonce has expired.
	accepted bool
	// refused are the kinds that the camera has refused.
	refused []string
	// uses counts the requests with the nonce (nonce count, RFC 7616 §3.4).
	uses int
}

// challenge takes the fields of a 401 answer. The request is to be sent again if it
// returns nil.
func (a *authenticator) challenge(fields []string) error {
	if !a.hasCredentials {
		return ErrCredentialsNeeded
	}
	offered := parseChallenges(fields)
	if a.chosen != nil && !a.renew(offered) {
		a.refused = append(a.refused, a.chosen.kind())
	}
	a.accepted = false
	var best *challenge
	for i := range offered {
		c := &offered[i]
		if c.strength() > 0 && !slices.Contains(a.refused, c.kind()) && (best == nil || c.strength() > best.strength()) {
			best = c
		}
	}
	switch {
	case best != nil:
		a.chosen, a.uses = best, 0
		return nil
	case a.chosen != nil:
		return ErrWrongCredentials
	case len(offered) == 0:
		return fmt.Errorf("401 unauthorized: the camera does not say how to authenticate")
	}
	return fmt.Errorf("401 unauthorized: the camera asks for %s, which is not known here", shorten(offered[0].kind()))
}

// renew tells whether the camera wants no more than another nonce.
func (a *authenticator) renew(offered []challenge) bool {
	for i := range offered {
		c := &offered[i]
		if c.scheme == "digest" && c.kind() == a.chosen.kind() && c.parameters["nonce"] != a.chosen.parameters["nonce"] {
			return c.isStale() || a.accepted
		}
	}
	return false
}

// authorization is the Authorization field of a request; empty if none is needed.
func (a *authenticator) authorization(method, uri string) string {
	switch {
	case a.chosen == nil:
		return ""
	case a.chosen.scheme == "basic":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(a.username+":"+a.password))
	}
	a.uses++
	return a.digest(method, uri, newCNonce())
}

// newCNonce is the client's part of a digest.
func newCNonce() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

// hashes are by the names of algorithms.
var hashes = map[string]func() hash.Hash{"MD5": md5.New, "SHA-256": sha256.New, "SHA-512-256": sha512.New512_256}

// digest is the field for digest authentication (RFC 7616 §3.4). Without "qop" it is
// that of RFC 2069, which most cameras have.
func (a *authenticator) digest(method, uri, cnonce string) string {
	p := a.chosen.parameters
	name, perSession := a.chosen.algorithm()
	h := func(parts ...string) string {
		sum := hashes[name]()
		sum.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum.Sum(nil))
	}
	ha1 := h(a.username, p["realm"], a.password)
	if perSession {
		ha1 = h(ha1, p["nonce"], cnonce)
	}
	ha2 := h(method, uri)
	qop := chooseQOP(p["qop"])
	if qop == "auth-int" {
		ha2 = h(method, uri, h("")) // no request has a body
	}
	fields := []string{
		"username=" + quote(a.username), `realm="` + p["realm"] + `"`, `nonce="` + p["nonce"] + `"`, "uri=" + quote(uri),
	}
	if qop == "" {
		fields = append(fields, `response="`+h(ha1, p["nonce"], ha2)+`"`)
	} else {
		count := fmt.Sprintf("%08x", a.uses)
		fields = append(fields, `response="`+h(ha1, p["nonce"], count, cnonce, qop, ha2)+`"`, "qop="+qop, "nc="+count)
	}
	if qop != "" || perSession {
		fields = append(fields, `cnonce="`+cnonce+`"`)
	}
	if text, named := p["algorithm"]; named {
		fields = append(fields, "algorithm="+text)
	}
	if opaque, given := p["opaque"]; given {
		fields = append(fields, `opaque="`+opaque+`"`)
	}
	return "Digest " + strings.Join(fields, ", ")
}

// chooseQOP chooses a quality of protection; empty if the camera names none.
func chooseQOP(offered string) string {
	var names []string
	for name := range strings.SplitSeq(offered, ",") {
		names = append(names, strings.ToLower(strings.TrimSpace(name)))
	}
	for _, qop := range []string{"auth", "auth-int"} {
		if slices.Contains(names, qop) {
			return qop
		}
	}
	return ""
}

// quote makes a quoted string (RFC 7230 §3.2.6).
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
