// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"strings"
)

// challenge is one way to authenticate that a camera offers (RFC 7235 §2.1).
type challenge struct {
	scheme string // in lower case
	// parameters are by their names in lower case; the text between quotes is as it
	// was written.
	parameters map[string]string
}

// parseChallenges reads WWW-Authenticate fields, each of which can hold several
// challenges. What it cannot read it skips.
func parseChallenges(fields []string) (all []challenge) {
	for _, field := range fields {
		for rest := field; ; {
			rest = strings.TrimLeft(rest, " \t,")
			word, after := cutWord(rest)
			if word == "" {
				if rest == "" {
					break
				}
				rest = rest[1:]
				continue
			}
			rest = strings.TrimLeft(after, " \t")
			if !strings.HasPrefix(rest, "=") {
				if len(all) == maxChallenges {
					return all
				}
				all = append(all, challenge{scheme: strings.ToLower(word), parameters: map[string]string{}})
				continue
			}
			value, after := cutValue(strings.TrimLeft(rest[1:], " \t"))
			rest = after
			if len(all) > 0 {
				all[len(all)-1].parameters[strings.ToLower(word)] = value
			}
		}
	}
	return all
}

// cutWord cuts a token off (RFC 7230 §3.2.6), as far as it matters here.
func cutWord(s string) (word, after string) {
	end := strings.IndexAny(s, " \t,=\"")
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:]
}

// cutValue cuts off a token, or the text between quotes.
func cutValue(s string) (value, after string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s, ',')
		if end < 0 {
			end = len(s)
		}
		return strings.TrimSpace(s[:end]), s[end:]
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[1:i], s[i+1:]
		}
	}
	return s[1:], ""
}

// algorithm is a hash function and whether it is applied once per session
// (RFC 7616 §3.4.2).
func (c *challenge) algorithm() (name string, perSession bool) {
	name = strings.ToUpper(c.parameters["algorithm"])
	if name == "" {
		name = "MD5"
	}
	return strings.CutSuffix(name, "-SESS")
}

// kind tells ways to authenticate apart.
func (c *challenge) kind() string {
	if c.scheme != "digest" {
		return c.scheme
	}
	name, _ := c.algorithm()
	return c.scheme + " " + name
}

// strength orders the ways to authenticate; 0 is for those that are not known here.
func (c *challenge) strength() int {
	switch c.kind() {
	case "basic":
		return 1
	case "digest MD5":
		return 2
	case "digest SHA-256":
		return 3
	case "digest SHA-512-256":
		return 4
	}
	return 0
}

// isStale says that the credentials were right but for an old nonce.
func (c *challenge) isStale() bool { return strings.EqualFold(c.parameters["stale"], "true") }
