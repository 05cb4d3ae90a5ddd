// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// Ports of the two schemes (RFC 2326 §3.2; rtsps has none of its own there, and this is
// IANA's).
const (
	rtspPort  = "554"
	rtspsPort = "322"
)

// target is where a URL leads.
type target struct {
	// url is as it is sent: as it was written, but without what is for us alone.
	url string
	// host is without brackets and zone, in lower case.
	host string
	// address is host:port, to connect to.
	address   string
	encrypted bool
}

// parseTarget reads a URL. Its errors hold no part of it.
func parseTarget(rawURL string) (target, error) {
	parsed, err := url.Parse(rawURL)
	if err != nil {
		return target{}, errors.New("not a valid URL")
	}
	t := target{encrypted: strings.EqualFold(parsed.Scheme, "rtsps")}
	port := parsed.Port()
	switch {
	case !t.encrypted && !strings.EqualFold(parsed.Scheme, "rtsp"):
		return target{}, errors.New("not an rtsp:// or rtsps:// URL")
	case parsed.Hostname() == "":
		return target{}, errors.New("the URL names no host")
	case port == "" && t.encrypted:
		port = rtspsPort
	case port == "":
		port = rtspPort
	}
	t.address = net.JoinHostPort(parsed.Hostname(), port)
	t.url = toSend(rawURL)
	host, _, _ := strings.Cut(parsed.Hostname(), "%")
	t.host = strings.ToLower(host)
	return t, nil
}

// toSend removes from a URL its user info, its fragment, and the zone of an IPv6 address,
// which mean nothing to the other end (RFC 6874 §4), and escapes spaces.
func toSend(rawURL string) string {
	scheme, rest, _ := strings.Cut(rawURL, "://")
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
	return strings.HasPrefix(control, "rtsp://") || strings.HasPrefix(control, "rtsps://")
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
