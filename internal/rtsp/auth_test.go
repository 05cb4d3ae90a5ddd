// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestParseChallenges ensures that challenges are found however they are written.
func TestParseChallenges(t *testing.T) {
	tests := map[string]struct {
		fields []string
		want   []string // kind, realm, nonce
	}{
		"one":        {[]string{`Digest realm="a b", nonce="n"`}, []string{"digest MD5 a b n"}},
		"in a field": {[]string{`Digest realm="a, b",nonce="n", algorithm=SHA-256, Basic realm="c"`}, []string{"digest SHA-256 a, b n", "basic c "}},
		"in several": {[]string{`Basic realm="c"`, `Digest realm=a, nonce=n, algorithm="MD5"`}, []string{"basic c ", "digest MD5 a n"}},
		"camera":     {[]string{`Digest realm="IP Camera(GH455)", nonce="abc", algorithm="SHA-256", stale="FALSE"`}, []string{"digest SHA-256 IP Camera(GH455) abc"}},
		"quotes":     {[]string{`digest realm="a\"b", nonce="n`}, []string{`digest MD5 a\"b n`}},
		"others":     {[]string{`NTLM, Negotiate oYG2==`, ``, `=`, `"`}, []string{"ntlm  ", "negotiate  "}},
		"session":    {[]string{`Digest realm="a", nonce="n", algorithm=MD5-sess`}, []string{"digest MD5 a n"}},
	}
	for name, test := range tests {
		var got []string
		for _, c := range parseChallenges(test.fields) {
			got = append(got, fmt.Sprintf("%s %s %s", c.kind(), c.parameters["realm"], c.parameters["nonce"]))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// TestDigest ensures that digests are those of the examples of RFC 2617 §3.5 and RFC 7616
// §3.9.1.
func TestDigest(t *testing.T) {
	const nonce = `nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	tests := map[string]struct {
		challenge, password, cnonce, uri string
		want                             []string
	}{
		"RFC 2617": {
			`Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"Circle Of Life", "0a4f113b", "/dir/index.html",
			[]string{`response="6629fae49393a05397450978507c4ef1"`, "qop=auth", "nc=00000001", `opaque="5ccc069c403ebaf9f0171e9517f40e41"`},
		},
		"MD5": {
			`Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, ` + nonce, "Circle of Life",
			"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "/dir/index.html", []string{`response="8ca523f5e9506fed4657c9700eebdbec"`, "algorithm=MD5"},
		},
		"SHA-256": {
			`Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, ` + nonce, "Circle of Life",
			"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "/dir/index.html",
			[]string{`response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"`, "algorithm=SHA-256"},
		},
		"without qop": { // MD5 of MD5(Mufasa:r:Circle of Life):n:MD5(GET:/)
			`Digest realm="r", nonce="n"`, "Circle of Life", "unused", "/", []string{`response="` + simpleDigest + `"`},
		},
	}
	for name, test := range tests {
		a := authenticator{username: "Mufasa", password: test.password, hasCredentials: true}
		if err := a.challenge([]string{test.challenge}); err != nil {
			t.Fatal(err)
		}
		a.uses = 1
		got := a.digest("GET", test.uri, test.cnonce)
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s is not in %s", name, want, got)
			}
		}
		if (a.chosen.parameters["qop"] == "") == strings.Contains(got, "cnonce") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

const simpleDigest = "35a26c340ec2db75273c40da54213df2"

// TestAuthenticatorChooses ensures that the strongest way is tried first and each once,
// that another nonce is no refusal, and that a password is called wrong only when it is.
func TestAuthenticatorChooses(t *testing.T) {
	const (
		basic, md5, sha = `Basic realm="r"`, `Digest realm="r", nonce="%d"`, `Digest realm="r", nonce="%d", algorithm=SHA-256`
		stale           = `Digest realm="r", nonce="%d", stale=true`
	)
	tests := map[string]struct {
		answers [][]string
		want    []string // kinds, or the error at last
		accept  int      // the request that is accepted, before the next answer; 0 for none
	}{
		"strongest":  {answers: [][]string{{basic, md5, sha}}, want: []string{"digest SHA-256"}},
		"other way":  {answers: [][]string{{sha, basic, md5}}, want: []string{"digest SHA-256"}},
		"all wrong":  {answers: [][]string{{md5, sha, basic}, {md5, sha, basic}, {md5, sha, basic}, {md5, sha, basic}}, want: []string{"digest SHA-256", "digest MD5", "basic", ErrWrongCredentials.Error()}},
		"stale":      {answers: [][]string{{md5}, {stale}, {md5}}, want: []string{"digest MD5", "digest MD5", ErrWrongCredentials.Error()}},
		"new nonce":  {answers: [][]string{{md5}, {md5}, {md5}}, accept: 1, want: []string{"digest MD5", "digest MD5", ErrWrongCredentials.Error()}},
		"none":       {answers: [][]string{{}}, want: []string{"401 unauthorized: the camera does not say how to authenticate"}},
		"unknown":    {answers: [][]string{{"NTLM"}}, want: []string{"401 unauthorized: the camera asks for ntlm, which is not known here"}},
		"none later": {answers: [][]string{{md5}, {}}, want: []string{"digest MD5", ErrWrongCredentials.Error()}},
	}
	for name, test := range tests {
		a := authenticator{username: "u", password: "p", hasCredentials: true}
		var got []string
		for n, answer := range test.answers {
			var fields []string
			for _, field := range answer {
				if strings.Contains(field, "%d") {
					field = fmt.Sprintf(field, n)
				}
				fields = append(fields, field)
			}
			if err := a.challenge(fields); err != nil {
				got = append(got, err.Error())
				break
			}
			got = append(got, a.chosen.kind())
			a.accepted = test.accept == n+1
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	if err := (&authenticator{}).challenge([]string{md5}); !errors.Is(err, ErrCredentialsNeeded) {
		t.Errorf("without credentials: %v", err)
	}
}

// FuzzChallenges: no field makes the parser panic, hang, or keep more than a few.
func FuzzChallenges(f *testing.F) {
	f.Add(`Digest realm="a, b",nonce="n", algorithm=SHA-256, qop="auth-int", Basic realm="c"`)
	f.Fuzz(func(t *testing.T, field string) {
		if n := len(parseChallenges([]string{field, field})); n > maxChallenges {
			t.Fatalf("%d challenges", n)
		}
		a := authenticator{username: "u", password: "p", hasCredentials: true}
		for range maxChallenges {
			if a.challenge([]string{field}) != nil {
				return
			}
			if a.authorization("OPTIONS", "rtsp://host/") == "" {
				t.Fatal("nothing answers the challenge")
			}
		}
	})
}
