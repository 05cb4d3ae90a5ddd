// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"net/url"
	"slices"
	"strings"
)

// urlSchemes are those of streams that can be recorded.
var urlSchemes = []string{"rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "srt", "udp", "rtp", "file", "rtsp+http", "rtsp+https"}

// URLProblem says why nothing can be recorded from a URL, as the rest of a sentence about
// it, or "" if that is possible. It holds no part of the URL.
func URLProblem(u *url.URL) string {
	switch {
	case !slices.Contains(urlSchemes, u.Scheme):
		return "must begin with rtsp:// or rtsps://, or with " + strings.Join(urlSchemes[2:], "://, ") + "://"
	case u.Scheme == "file" && u.Path == "":
		return "names no file"
	// Whoever waits for packets needs no more than a port.
	case u.Scheme != "file" && u.Hostname() == "" && (u.Scheme != "udp" && u.Scheme != "rtp" && u.Scheme != "srt" || u.Port() == ""):
		return "names no host"
	}
	return ""
}
