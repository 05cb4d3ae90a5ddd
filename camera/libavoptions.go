// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// maxUserInfoBytes is what libavformat keeps of the user info of a URL, of all its
// protocols together; it would cut off the rest without a word.
const maxUserInfoBytes = 99

// libavProtocols are the protocols that libavformat may use for a URL, by its scheme: a
// server must not lead it to files of this machine.
var libavProtocols = map[string]string{
	"rtmp": "rtmp,tcp", "rtmps": "rtmps,tls,tcp",
	"http": "http,https,tls,tcp,crypto,data", "https": "http,https,tls,tcp,crypto,data",
	"srt": "srt", "udp": "udp", "rtp": "rtp,udp", "file": "file",
}

// libavFormats are the formats that libavformat may find, by the scheme. There are others that
// lead to further inputs: a list of files that names itself is opened within itself until there
// is no memory left. A file may have any.
var libavFormats = map[string]string{
	"rtmp": "flv,live_flv", "rtmps": "flv,live_flv",
	"http": streamFormats + ",hls,mov,aac,mp3", "https": streamFormats + ",hls,mov,aac,mp3",
	"srt": streamFormats, "udp": streamFormats, "rtp": "rtp,mpegts",
}

const streamFormats = "mpegts,mpeg,flv,live_flv,matroska,h264,hevc"

// libavOptions returns what libavformat is to know beside the URL.
func libavOptions(cfg Config, scheme string) (map[string]string, error) {
	options := map[string]string{
		"protocol_whitelist": libavProtocols[scheme],
		"analyzeduration":    strconv.FormatInt(analyzeFor.Microseconds(), 10),
		// The recorder undoes wraps, of which libavformat undoes the first only.
		"correct_ts_overflow": "0",
	}
	if formats := libavFormats[scheme]; formats != "" {
		options["format_whitelist"] = formats
	}
	if scheme != "rtp" { // which does not hand it on
		options["rw_timeout"] = strconv.FormatInt(cfg.SocketTimeout.Microseconds(), 10)
	}
	switch {
	case len(cfg.Certificate.Fingerprint) > 0:
		return nil, errors.New("a fingerprint can be given for rtsps:// only")
	case cfg.Certificate.Roots && (scheme == "https" || scheme == "rtmps"):
		options["tls_verify"] = "1"
	}
	return options, nil
}

// withUserInfo returns the URL with the credentials, as libavformat wants them. The colon
// is there even if the password is empty, because it does not authenticate without it.
func (t *target) withUserInfo() (string, error) {
	if !t.authenticates {
		return t.url, nil
	}
	userInfo := url.UserPassword(t.username, t.password).String()
	if len(userInfo) > maxUserInfoBytes {
		return "", fmt.Errorf("user name and password are too long: %d bytes, at most %d are possible", len(userInfo), maxUserInfoBytes)
	}
	return t.scheme + "://" + userInfo + "@" + t.url[len(t.scheme)+len("://"):], nil
}
