// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	tests := map[string]string{
		"rtsp://cam/stream":                                       "rtsp://cam/stream",
		"rtsp://cam:8554/stream":                                  "rtsp://cam:8554/stream",
		"rtsp://admin:secret@cam/stream":                          "rtsp://***@cam/stream",
		"rtsp://admin:se%40cret@[::1]:554/":                       "rtsp://***@[::1]:554/",
		"rtsp://admin@cam":                                        "rtsp://***@cam",
		"rtsp://admin:se@cret@cam/":                               "rtsp://***@cam/",
		"rtsp://cam/s?user=admin&password=secret&channel=1":       "rtsp://cam/s?user=***&password=***&channel=***",
		"rtsp://cam/user=admin&password=secret&channel=1":         "rtsp://cam/user=***&password=***&channel=***",
		"rtsp://cam/user=admin_password=secret_channel=1/x?token": "rtsp://cam/user=***/x?***",
		"rtsp://cam/s?a/b=c;d=e/f?g#h&token&&i=":                  "rtsp://cam/s?a/b=***&***&&i=***",
		"rtsps://cam/s?key=secret#certificate=roots":              "rtsps://cam/s?key=***#certificate=roots",
		"rtsps://cam/s#certificate=secret":                        "rtsps://cam/s#certificate=***",
		// Doubtful ones: no part of the password may be left.
		"rtsp://admin:sec/ret@cam/":     "rtsp://***",
		"rtsp://admin:sec?ret@cam/":     "rtsp://***",
		"rtsp://cam/?password=sec@ret":  "rtsp://***",
		"rtsp://admin:12/sec=ret@cam/x": "rtsp://***",
		"admin:secret":                  "***",
		"":                              "***",
	}
	for url, want := range tests {
		if got := Redact(url); got != want {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
	}
}

func TestRedactText(t *testing.T) {
	tests := map[string]string{
		"Redirecting to rtsp://admin:secret@cam/a, again rtsp://b/?p=secret.": "Redirecting to rtsp://***@cam/a, again rtsp://b/?p=***",
		"a=control:track1?password=secret&x=secret\r\na=tool:x":               "a=control:track1?password=***&x=***\r\na=tool:x",
		"open rtsp://***@cam/s?key=***: refused (rtsp://cam/).":               "open rtsp://***@cam/s?key=***: refused (rtsp://cam/).",
		"CSeq 3 expected, 2 received.":                                        "CSeq 3 expected, 2 received.",
	}
	for text, want := range tests {
		if got := RedactText(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A secret is found in whatever form a camera or libav repeats it, and nothing
// else is taken for one.
func TestSecrets(t *testing.T) {
	s := newSecrets(Config{
		URL: "rtsp://cam/s?token=to%2Fken%20x&channel=1", Username: "operator", Password: plantedPassword,
	})
	plain := newSecrets(Config{URL: "rtsp://cam/s?channel=1"})
	inURL := newSecrets(Config{URL: "rtsp://oper:pl%40nted@cam/user=joe1&password=nested"})
	tests := []struct {
		secrets    secrets
		text, want string
	}{
		{s, "Authorization for operator failed", "Authorization for *** failed"},
		{s, "got " + plantedPassword + " from it", "got *** from it"},
		{s, "got " + url.QueryEscape(plantedPassword) + " and " + url.PathEscape(plantedPassword), "got *** and ***"},
		{s, "lower case: " + strings.ToLower(url.QueryEscape(plantedPassword)), "lower case: ***"},
		{s, "needless: %70l%40nted%2Fp:w%3f%23%25%2B%20%c3%a9.", "needless: ***."},
		{s, "token to/ken x, to%2Fken%20x, to%2fken+x", "token ***, ***, ***"},
		{s, "basic " + base64.StdEncoding.EncodeToString([]byte("operator:"+plantedPassword)), "basic ***"},
		{s, "channel 1 of 11", "channel 1 of 11"},
		{plain, "RTSP/1.0 200 OK", "RTSP/1.0 200 OK"},
		{inURL, "oper said pl@nted, pl%40nted, joe1 said nested", "*** said ***, ***, *** said ***"},
		{inURL, base64.StdEncoding.EncodeToString([]byte("oper:pl@nted")), "***"},
	}
	for _, test := range tests {
		if got := test.secrets.redact(test.text); got != test.want {
			t.Errorf("%s: got %s, want %s", test.text, got, test.want)
		}
	}
}
