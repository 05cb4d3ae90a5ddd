// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"net/url"
	"path/filepath"
	"strings"

	"github.com/moonfirefs/moonfirefs"
)

// location is where a directory is: https://HOST/BUCKET/PREFIX, with what is needed to get
// there as a query.
type location struct {
	secure               bool
	host, bucket, prefix string
	// region is that of the bucket, which requests are signed for; "" if it is not known.
	region string
	// credentials is the path of a file; "" for those of the environment.
	credentials string
}

// Keys of the query.
const (
	regionKey      = "region"
	credentialsKey = "credentials"
)

// parseLocation returns an error that wraps moonfirefs.ErrInvalid if the URL is not that of a
// directory.
func parseLocation(text string) (*location, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, invalid("%s is not a URL", printed(text))
	}
	l := &location{secure: u.Scheme == "https", host: u.Host}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	l.bucket, l.prefix = bucket, prefix
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, invalid("%s: a bucket is given as https://HOST/BUCKET/PREFIX", printed(text))
	case u.User != nil:
		return nil, invalid("%s: credentials do not belong in a URL, where others see them: put them into a file (see --credentials)", printed(text))
	case l.host == "" || l.bucket == "" || l.prefix == "":
		return nil, invalid("%s: host, bucket and prefix are all needed, as in https://HOST/BUCKET/PREFIX", printed(text))
	case u.Fragment != "" || strings.Contains("/"+l.prefix+"/", "//") || strings.Contains("/"+l.prefix+"/", "/../") || strings.Contains("/"+l.prefix+"/", "/./"):
		return nil, invalid("%s: it is not a plain path", printed(text))
	}
	for key, values := range u.Query() {
		switch key {
		case regionKey:
			l.region = values[0]
		case credentialsKey:
			l.credentials = values[0]
		default:
			return nil, invalid("%s: %q is not known", printed(text), key)
		}
	}
	if l.credentials != "" && !filepath.IsAbs(l.credentials) {
		return nil, invalid("%s: the path of the credentials is not absolute", printed(text))
	}
	return l, nil
}

// CredentialsOf is the path of the file that a store remembers with the URL of a directory, ""
// for the credentials of the environment. The error wraps moonfirefs.ErrInvalid if it is no such
// URL.
func CredentialsOf(url string) (string, error) {
	l, err := parseLocation(url)
	if err != nil {
		return "", err
	}
	return l.credentials, nil
}

// printed is a URL without what may be secret in it: user, password and query.
func printed(text string) string {
	text = text[strings.LastIndex(text, "@")+1:]
	text, _, _ = strings.Cut(text, "?")
	return text
}

func invalid(format string, args ...any) error {
	return moonfirefs.Errorf(moonfirefs.ErrInvalid, format, args...)
}

func (l *location) url() *url.URL {
	u := &url.URL{Scheme: "http", Host: l.host, Path: "/" + l.bucket + "/" + l.prefix}
	if l.secure {
		u.Scheme = "https"
	}
	return u
}

// String tells people where it is.
func (l *location) String() string { return l.url().String() }

// full is what parseLocation makes the same of.
func (l *location) full() string {
	u, query := l.url(), url.Values{}
	if l.region != "" {
		query.Set(regionKey, l.region)
	}
	if l.credentials != "" {
		query.Set(credentialsKey, l.credentials)
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "%2F", "/") // a query may have it
	return u.String()
}

// key is the name of an object in the bucket.
func (l *location) key(name string) string { return l.prefix + "/" + name }
