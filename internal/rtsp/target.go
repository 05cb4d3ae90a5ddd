// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// ports are those of the schemes (RFC 2326 §3.2; rtsps has none of its own there, and this
// is IANA's). What is tunnelled goes to a web server.
var ports = map[string]string{"rtsp": "554", "rtsps": "322", "rtsp+http": "80", "rtsp+https": "443"}

// target is where a URL leads.
type target struct {
	// url is as it is sent: as it was written, but without what is for us alone.
	url string
	// host is without brackets and zone, in lower case.
	host string
	// address is host:port, to connect to.
	address   string
	encrypted bool
	// tunnelled says that RTSP goes through HTTP.
	tunnelled bool
}

// parseTarget reads a URL. Its errors hold no part of it.
func parseTarget(rawURL string) (target, error) {
	parsed, err := url.Parse(rawURL)
	if err != nil {
		return target{}, errors.New("not a valid URL")
	}
	scheme := strings.ToLower(parsed.Scheme)
	port := parsed.Port()
	switch {
	case ports[scheme] == "":
		return target{}, errors.New("not an rtsp:// or rtsps:// URL")
	case parsed.Hostname() == "":
		return target{}, errors.New("the URL names no host")
	case port == "":
		port = ports[scheme]
	}
	t := target{encrypted: strings.HasSuffix(scheme, "s"), tunnelled: strings.Contains(scheme, "+")}
	t.address = net.JoinHostPort(parsed.Hostname(), port)
	t.url = toSend(rawURL)
	host, _, _ := strings.Cut(parsed.Hostname(), "%")
	t.host = strings.ToLower(host)
	return t, nil
}

// toSend removes from a URL its user info, its fragment, and the zone of an IPv6 address,
// which mean nothing to the other end (RFC 6874 §4), and escapes spaces. Within a tunnel, the
// scheme is rtsp, encrypted or not.
func toSend(rawURL string) string {
	scheme, rest, _ := strings.Cut(rawURL, "://")
	scheme, _, _ = strings.Cut(scheme, "+")
	rest, _, _ = strings.Cut(rest, "#")
	authority, path := rest, ""
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority, path = rest[:end], rest[end:]
	}
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	if begin, end := strings.IndexByte(authority, '%'), strings.IndexByte(authority, ']'); begin >= 0 && begin < end {
		authority = authority[:begin] + authority[end:]
	}
	return scheme + "://" + authority + strings.ReplaceAll(path, " ", "%20")
}

// isAbsolute tells whether a control is a URL.
func isAbsolute(control string) bool {
	scheme, _, found := strings.Cut(control, "://")
	return found && (strings.EqualFold(scheme, "rtsp") || strings.EqualFold(scheme, "rtsps"))
}

// join makes the URL of a control (RFC 2326 §C.1.1), in the way that cameras expect: it
// is appended, also behind a query.
func join(base, control string) string {
	switch {
	case control == "" || control == "*":
		return base
	case isAbsolute(control):
		return toSend(control)
	case strings.HasSuffix(base, "/") && strings.HasPrefix(control, "/"):
		return base + strings.ReplaceAll(control[1:], " ", "%20")
	case strings.HasSuffix(base, "/") || strings.HasPrefix(control, "/") || strings.HasPrefix(control, "?"):
		return base + strings.ReplaceAll(control, " ", "%20")
	}
	return base + "/" + strings.ReplaceAll(control, " ", "%20")
}
