// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"errors"
	"net/url"
	"strings"

	"github.com/moonfirefs/moonfirefs"
)

// target is where to connect, and as whom.
type target struct {
	// url has no user info.
	url                string
	scheme             string
	username, password string
	// authenticates tells whether there are credentials, which can be empty.
	authenticates bool
}

// newTarget checks the URL and takes the credentials out of it. Its errors hold no part
// of either.
func newTarget(cfg Config) (target, error) {
	parsed, err := url.Parse(cfg.URL)
	if err != nil || parsed.User != nil && strings.Contains(parsed.EscapedPath()+parsed.RawQuery+parsed.EscapedFragment(), "@") {
		// The parser's own words could quote a misplaced password, and the host
		// name could be a part of it.
		return target{}, errors.New("not a valid URL (in a user name or password, write @ : / ? # % as %40 %3A %2F %3F %23 %25)")
	}
	if problem := moonfirefs.URLProblem(parsed); problem != "" {
		return target{}, errors.New("the URL " + problem)
	}
	t := target{
		scheme: parsed.Scheme,
		url:    parsed.Scheme + "://" + withoutUserInfo(cfg.URL), username: cfg.Username, password: cfg.Password,
		authenticates: cfg.Username != "" || parsed.User != nil,
	}
	if cfg.Username == "" && parsed.User != nil {
		t.username = parsed.User.Username()
		t.password, _ = parsed.User.Password()
	}
	if strings.Contains(t.username, ":") {
		return target{}, errors.New("a user name cannot contain a colon") // RFC 7617 §2
	}
	return t, nil
}

// isRTSP tells by the scheme of a URL, whether RTSP goes through HTTP or not.
func isRTSP(rawURL string) bool {
	scheme, _, _ := strings.Cut(strings.ToLower(rawURL), "://")
	return scheme == "rtsp" || scheme == "rtsps" || strings.HasPrefix(scheme, "rtsp+")
}

// withoutUserInfo returns what follows "scheme://" and the user info, as it was
// written: cameras can be particular about the path.
func withoutUserInfo(rawURL string) string {
	_, rest, _ := strings.Cut(rawURL, "://")
	authority, path := splitAuthority(rest)
	return authority[strings.LastIndexByte(authority, '@')+1:] + path
}
