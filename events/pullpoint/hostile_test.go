// SPDX-License-Identifier: GPL-3.0-or-later

package pullpoint

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/icholy/digest"

	"github.com/moonfirefs/moonfirefs/events"
	"github.com/moonfirefs/moonfirefs/events/eventstest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// pulled wraps notifications.
func pulled(all string) string {
	return `<tev:PullMessagesResponse>` + all + `</tev:PullMessagesResponse>`
}

var person = event("tns1:RuleEngine/MyRuleDetector/PeopleDetect", "1", boolean("State", "true"))

// text answers with a text.
func text(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }
}

// Ensures what becomes of answers that no camera should give: events where they can be meant, an error
// otherwise, with few words and within the time that a camera has; and that nobody else is asked.
func TestHostileAnswers(t *testing.T) {
	var elsewhere atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Store(true) }))
	defer other.Close()
	bomb := `<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">`
	for i := 'b'; i < 'k'; i++ {
		bomb += fmt.Sprintf(`<!ENTITY %c "%s">`, i, strings.Repeat(fmt.Sprintf("&%c;", i-1), 10))
	}
	for what, test := range map[string]struct {
		answer http.HandlerFunc
		// want is the number of events; below 0 for an error that says says.
		want int
		says string
	}{
		"good":                {text(reply(pulled(person))), 1, ""},
		"of other namespaces": {text(strings.ReplaceAll(strings.ReplaceAll(reply(pulled(person)), "http://", "urn:x:"), "tev:", "")), 1, ""},
		"of no namespace":     {text(`<Envelope><Body>` + strings.NewReplacer("wsnt:", "", "tt:", "", "tev:", "").Replace(pulled(person)) + `</Body></Envelope>`), 1, ""},
		"in another charset":  {text(strings.Replace(reply(pulled(person)), "UTF-8", "ISO-8859-15", 1)), 1, ""},
		"a word of its own":   {text(reply(pulled(strings.Replace(person, "PeopleDetect", "PeopleFault", 1)))), 1, ""},
		"many":                {text(reply(pulled(strings.Repeat("<wsnt:NotificationMessage/>", 30_000)))), 10 * pullMessages, ""},
		"entities of entities": {text(bomb + `]><s><Body><PullMessagesResponse><NotificationMessage><Topic>&j;</Topic>` +
			`</NotificationMessage></PullMessagesResponse></Body></s>`), -1, "entity"},
		"a file of ours": {text(`<!DOCTYPE b [<!ENTITY e SYSTEM "file:///etc/passwd">]><s><Body><PullMessagesResponse><NotificationMessage><Topic>&e;</Topic>` +
			`</NotificationMessage></PullMessagesResponse></Body></s>`), -1, "entity"},
		"deep":          {text(reply(pulled(strings.Repeat("<a>", 20_000) + strings.Repeat("</a>", 20_000)))), 0, ""},
		"a long name":   {text("<" + strings.Repeat("n", maxAnswerBytes/2) + "></m>"), -1, ""},
		"half":          {text(reply(pulled(person))[:300]), -1, "EOF"},
		"another fault": {text(`<E><Body><Fault><faultcode>Client</faultcode><faultstring>no more</faultstring></Fault></Body></E>`), -1, `"no more" ("Client")`},
		"a redirection": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}, -1, "307"},
		"a login": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}, -1, "401"},
		"without end": {func(w http.ResponseWriter, _ *http.Request) {
			for err := error(nil); err == nil; {
				_, err = w.Write(make([]byte, 1<<16))
			}
		}, -1, "longer"},
		"much from little": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 4 {
				_, _ = z.Write(make([]byte, 1<<20))
			}
			_ = z.Close()
		}, -1, "longer"},
		"a long header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			_, _ = io.WriteString(w, reply(pulled(person)))
		}, -1, "header"},
		"drop by drop": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				time.Sleep(time.Millisecond)
			}
		}, -1, "deadline"},
	} {
		server := httptest.NewServer(test.answer)
		address, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		s := &subscription{client: newClient(Camera{Device: address, Username: "nvr", Password: password}), address: address}
		ctx, cancel := context.WithCancel(t.Context())
		if what == "drop by drop" {
			ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
		}
		all, err := s.pull(ctx)
		cancel()
		if (err != nil) != (test.want < 0) || err == nil && len(all) != test.want {
			t.Errorf("%s: %d events, want %d, %v", what, len(all), test.want, err)
		}
		if told := events.Told(err); err != nil && (!strings.Contains(told, test.says) || len(told) > 500) {
			t.Errorf("%s: the error is %s, want %q", what, told, test.says)
		}
		server.Close()
	}
	if elsewhere.Load() {
		t.Error("somebody else was asked")
	}
}

// Ensures that addresses and parameters of a subscription that cannot be meant are refused, and that no
// time that a camera tells does harm.
func TestHostileServices(t *testing.T) {
	subscribe := func(reference string) error {
		server := httptest.NewServer(text(reply(`<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>` + reference +
			`</tev:SubscriptionReference></tev:CreatePullPointSubscriptionResponse>`)))
		defer server.Close()
		address, err := url.Parse(server.URL)
		if err != nil {
			return err
		}
		_, err = newClient(Camera{Device: address}).subscribe(t.Context(), address)
		return err
	}
	for reference, ok := range map[string]bool{
		"<Address>http://elsewhere/x</Address>":                                            true,
		"<Address> https://[fe80::1]:8443/x?a=b </Address>":                                true,
		"<Address></Address>":                                                              false,
		"<Address>ftp://elsewhere/</Address>":                                              false,
		"<Address>http://a\nb/</Address>":                                                  false,
		"<Address>http://elsewhere/" + strings.Repeat("x", maxAddressBytes) + "</Address>": false,
		"<Address>http://x/</Address><ReferenceParameters>" + strings.Repeat("<a/>", 2000) + "</ReferenceParameters>": false,
	} {
		if err := subscribe(reference); (err == nil) != ok {
			t.Errorf("%.100q: %v", reference, err)
		}
	}
	for _, year := range []string{"1970", "9999", "-1", "99999999999999999999", "x", "2026"} {
		for _, other := range []string{"-9223372036854775808", "9223372036854775807", "1"} {
			answer := fmt.Sprintf(`<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>%[2]s</Hour><Minute>%[2]s</Minute><Second>%[2]s</Second></Time>`+
				`<Date><Year>%[1]s</Year><Month>%[2]s</Month><Day>%[2]s</Day></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>`, year, other)
			server := httptest.NewServer(text(reply(answer)))
			address, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			c := newClient(Camera{Device: address, Username: "nvr"})
			_ = c.learnSkew(t.Context())
			if c.token() == "" {
				t.Error("there is no token")
			}
			server.Close()
		}
	}
}

// Ensures that a camera that tells of as much as it can, again and again, is not asked all the
// time, that only as many events are stored as somebody can look at, and that the listener ends at once.
func TestFloodingCamera(t *testing.T) {
	c, d := startCamera(t), eventstest.Open(t, yard)
	var all strings.Builder
	for i := range 1000 {
		all.WriteString(event("tns1:RuleEngine/LineDetector/Crossed", fmt.Sprint(i), boolean("ObjectId", fmt.Sprint(i))))
	}
	var pulls atomic.Int64
	flood := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "<PullMessages") {
			pulls.Add(1)
			_, _ = io.WriteString(w, reply(pulled(all.String())))
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		c.ServeHTTP(w, r)
	}))
	defer flood.Close()
	device, err := url.Parse(flood.URL + "/onvif/device_service")
	if err != nil {
		t.Fatal(err)
	}
	where := func(context.Context) (Camera, error) {
		return Camera{UUID: yard, Name: "yard", Device: device, Username: "nvr", Password: password}, nil
	}
	l := Start("yard", where, d, slog.New(slog.DiscardHandler))
	wait.Until(t, "three answers", func() bool { return pulls.Load() >= 3 })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(eventstest.All(t, d)); n == 0 || n > 400 {
		t.Errorf("%d events are stored", n)
	}
}

// Ensures which items of what a camera tells are states.
func TestState(t *testing.T) {
	for _, test := range []struct {
		name, value string
		want        state
	}{
		{"State", "true", on}, {"IsMotion", "1", on}, {"LogicalState", "0", off}, {"State", "Inactive", off}, {"State", "TRUE", on},
		{"ObjectId", "1", moment}, {"ObjectId", "0", moment}, {"Count", "1", moment}, {"Value", "0.5", moment}, {"", "", moment},
	} {
		n := &notification{}
		n.Message.Data = []item{{test.name, test.value}}
		if got := n.state(); got != test.want {
			t.Errorf("%s=%s is %v, want %v", test.name, test.value, got, test.want)
		}
	}
}

// Ensures that a camera is told who asks that wants to know by HTTP's digest authentication, with
// each of its algorithms, also when it wants to know anew; and that a wrong password is refused once.
func TestDigestAuthentication(t *testing.T) {
	for _, offer := range []string{
		`Digest realm="a \"b\"", nonce="%d"`,
		`Digest realm="IP Camera", qop="auth", nonce="%d", opaque="x", algorithm=MD5`,
		`Digest realm="IP Camera", qop="auth-int,auth", nonce="%d", algorithm=SHA-256`,
		`Digest realm="IP Camera", qop="auth-int", nonce="%d", algorithm=SHA-256`,
	} {
		var nonce, refused atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			challenge, err := digest.ParseChallenge(fmt.Sprintf(offer, nonce.Load()))
			if err != nil {
				t.Error(err)
			}
			given, err := digest.ParseCredentials(r.Header.Get("Authorization"))
			if err == nil && given.Nonce == challenge.Nonce {
				body, _ := io.ReadAll(r.Body)
				want, err := digest.Digest(challenge, digest.Options{
					Method: r.Method, URI: r.RequestURI, Count: given.Nc, Cnonce: given.Cnonce, Username: "nvr", Password: password,
					GetBody: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(body))), nil },
				})
				if err == nil && want.Response == given.Response {
					_, _ = io.WriteString(w, reply(pulled(person)))
					return
				}
			}
			refused.Add(1)
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(offer, nonce.Load()))
			w.WriteHeader(http.StatusUnauthorized)
		}))
		address, err := url.Parse(server.URL + "/onvif/events?x=1")
		if err != nil {
			t.Fatal(err)
		}
		s := &subscription{client: newClient(Camera{Device: address, Username: "nvr", Password: password}), address: address}
		for i := range 4 {
			if i == 2 {
				nonce.Add(1)
			}
			if all, err := s.pull(t.Context()); err != nil || len(all) != 1 {
				t.Errorf("%s: %d events, %v", offer, len(all), err)
			}
		}
		if n := refused.Swap(0); n != 2 {
			t.Errorf("%s: %d requests were refused", offer, n)
		}
		wrong := &subscription{client: newClient(Camera{Device: address, Username: "nvr", Password: "wrong"}), address: address}
		if _, err := wrong.pull(t.Context()); err == nil || errors.Is(err, context.Canceled) || refused.Load() != 2 {
			t.Errorf("%s: a wrong password was refused %d times: %v", offer, refused.Load(), err)
		}
		server.Close()
	}
}
