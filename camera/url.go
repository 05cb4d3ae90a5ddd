package camera

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// maxUserInfoBytes is what libavformat keeps of the user info of a URL; it
// would cut off the rest without a word.
const maxUserInfoBytes = 127

// target is where to connect, and as whom.
type target struct {
	// url is for libavformat alone: it holds the credentials.
	url string
	// host is a name or an address, without port.
	host string
	// authenticates tells whether there are credentials.
	authenticates bool
}

// newTarget checks the URL and merges the credentials into it. Its errors hold
// no part of either.
func newTarget(cfg Config) (target, error) {
	parsed, err := url.Parse(cfg.URL)
	if err != nil || parsed.User != nil && strings.Contains(parsed.EscapedPath()+parsed.RawQuery+parsed.EscapedFragment(), "@") {
		// The parser's own words could quote a misplaced password, and the host
		// name could be a part of it.
		return target{}, errors.New("not a valid URL (in a user name or password, write @ : / ? # % as %40 %3A %2F %3F %23 %25)")
	}
	if parsed.Scheme != "rtsp" && parsed.Scheme != "rtsps" {
		return target{}, errors.New("not an rtsp:// or rtsps:// URL")
	}
	if parsed.Hostname() == "" {
		return target{}, errors.New("the URL names no host")
	}
	user := parsed.User
	if cfg.Username != "" {
		user = url.UserPassword(cfg.Username, cfg.Password)
	}
	t := target{host: parsed.Hostname(), authenticates: user != nil}
	userInfo, err := encodeUserInfo(user)
	if err != nil {
		return target{}, err
	}
	t.url = parsed.Scheme + "://" + userInfo + withoutUserInfo(cfg.URL)
	return t, nil
}

// encodeUserInfo returns the "name:password@" of a URL, or nothing. The colon is
// there even if the password is empty, because libavformat does not
// authenticate without it.
func encodeUserInfo(user *url.Userinfo) (string, error) {
	if user == nil {
		return "", nil
	}
	if strings.Contains(user.Username(), ":") {
		return "", errors.New("a user name cannot contain a colon") // RFC 7617 §2
	}
	password, _ := user.Password()
	encoded := url.UserPassword(user.Username(), password).String()
	if len(encoded) > maxUserInfoBytes {
		return "", fmt.Errorf("user name and password are too long: %d bytes, at most %d are possible", len(encoded), maxUserInfoBytes)
	}
	return encoded + "@", nil
}

// withoutUserInfo returns what follows "scheme://" and the user info, as it was
// written: cameras can be particular about the path.
func withoutUserInfo(rawURL string) string {
	_, rest, _ := strings.Cut(rawURL, "://")
	authority, path := splitAuthority(rest)
	return authority[strings.LastIndexByte(authority, '@')+1:] + path
}
