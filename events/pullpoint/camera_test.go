// SPDX-License-Identifier: GPL-3.0-or-later

package pullpoint

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const password = "sec<ret"

// camera is one that speaks as much of ONVIF's event service as its specification has for a
// PullPoint. Its clock is an hour ahead.
type camera struct {
	server *httptest.Server
	// events are those that nobody has pulled, and notify says that there may be some.
	events chan string

	mu sync.Mutex
	// subscriptions counts those that were made; only the last is known, unless forgotten.
	subscriptions int
	forgotten     bool
	ended         bool
}

const clockAhead = time.Hour

func startCamera(t *testing.T) *camera {
	t.Helper()
	c := &camera{events: make(chan string, 100)}
	c.server = httptest.NewServer(c)
	t.Cleanup(c.server.Close)
	return c
}

func (c *camera) device(t *testing.T) *url.URL {
	t.Helper()
	u, err := url.Parse(c.server.URL + "/onvif/device_service")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// reply wraps a body as cameras do.
func reply(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" ` +
		`xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" ` +
		`xmlns:tev="http://www.onvif.org/ver10/events/wsdl" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" ` +
		`xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:tns1="http://www.onvif.org/ver10/topics"><SOAP-ENV:Body>` +
		body + `</SOAP-ENV:Body></SOAP-ENV:Envelope>`
}

// event is a notification as cameras send it.
func event(topic, source, data string) string {
	return fmt.Sprintf(`<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">%s</wsnt:Topic>`+
		`<wsnt:Message><tt:Message UtcTime="2026-11-22T13:05:22Z" PropertyOperation="Changed"><tt:Source><tt:SimpleItem Name="VideoSourceConfigurationToken" Value="%s"/></tt:Source>`+
		`<tt:Data>%s</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`, topic, source, data)
}

func boolean(name, value string) string {
	return fmt.Sprintf(`<tt:SimpleItem Name=%q Value=%q/>`, name, value)
}

func (c *camera) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	text := string(data)
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	if !strings.Contains(text, "<GetSystemDateAndTime") && !genuine(data) {
		refuse(w, "ter:NotAuthorized", "Sender not authorized")
		return
	}
	switch {
	case strings.Contains(text, "<GetSystemDateAndTime"):
		now := time.Now().Add(clockAhead).UTC()
		fmt.Fprint(w, reply(fmt.Sprintf(`<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime><tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d</tt:Minute><tt:Second>%d</tt:Second></tt:Time>`+
			`<tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month><tt:Day>%d</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`,
			now.Hour(), now.Minute(), now.Second(), now.Year(), now.Month(), now.Day())))
	case strings.Contains(text, "<GetCapabilities"):
		_, port, _ := strings.Cut(r.Host, ":")
		fmt.Fprint(w, reply(`<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Events><tt:XAddr>http://192.0.2.1:`+port+`/onvif/events</tt:XAddr></tt:Events></tds:Capabilities></tds:GetCapabilitiesResponse>`))
	case strings.Contains(text, "<CreatePullPointSubscription") && r.URL.Path == "/onvif/events":
		c.subscribe(w, r)
	default:
		c.subscribed(w, r, text)
	}
}

func (c *camera) subscribe(w io.Writer, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subscriptions++
	c.forgotten = false
	_, port, _ := strings.Cut(r.Host, ":")
	fmt.Fprint(w, reply(fmt.Sprintf(`<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa:Address>http://192.0.2.1:%s/onvif/events/%d</wsa:Address>`+
		`<wsa:ReferenceParameters><n:Id xmlns:n="urn:maker">%d</n:Id></wsa:ReferenceParameters></tev:SubscriptionReference></tev:CreatePullPointSubscriptionResponse>`,
		port, c.subscriptions, c.subscriptions)))
}

// subscribed answers what is asked of a subscription.
func (c *camera) subscribed(w http.ResponseWriter, r *http.Request, text string) {
	c.mu.Lock()
	known := !c.forgotten && r.URL.Path == fmt.Sprintf("/onvif/events/%d", c.subscriptions) &&
		strings.Contains(text, fmt.Sprintf(`<n:Id xmlns:n="urn:maker">%d</n:Id>`, c.subscriptions))
	if strings.Contains(text, "<Unsubscribe") {
		c.ended = true
	}
	c.mu.Unlock()
	switch {
	case !known:
		refuse(w, "wsntw:ResourceUnknownFault", "no such subscription")
	case strings.Contains(text, "<PullMessages"):
		c.pull(w, r)
	default:
		fmt.Fprint(w, reply("<wsnt:RenewResponse/>"))
	}
}

// pull waits for an event, though not as long as it may.
func (c *camera) pull(w io.Writer, r *http.Request) {
	var all string
	select {
	case all = <-c.events:
	case <-r.Context().Done():
	case <-time.After(200 * time.Millisecond):
	}
	fmt.Fprint(w, reply(`<tev:PullMessagesResponse><tev:CurrentTime>2026-11-22T13:05:22Z</tev:CurrentTime>`+all+`</tev:PullMessagesResponse>`))
}

func (c *camera) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgotten = true
}

func (c *camera) made() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.subscriptions
}

func refuse(w http.ResponseWriter, code, reason string) {
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprint(w, reply(`<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode><SOAP-ENV:Value>`+code+
		`</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="en">`+reason+`</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>`))
}

// genuine checks who asks, by the camera's own clock.
func genuine(request []byte) bool {
	var e struct {
		Username string `xml:"Header>Security>UsernameToken>Username"`
		Password string `xml:"Header>Security>UsernameToken>Password"`
		Nonce    string `xml:"Header>Security>UsernameToken>Nonce"`
		Created  string `xml:"Header>Security>UsernameToken>Created"`
	}
	if decode(request, &e) != nil || e.Username != "nvr" {
		return false
	}
	created, err := time.Parse(time.RFC3339, e.Created)
	nonce, err2 := base64.StdEncoding.DecodeString(e.Nonce)
	digest, err3 := base64.StdEncoding.DecodeString(e.Password)
	late := time.Since(created.Add(-clockAhead)).Abs() > 5*time.Minute
	return err == nil && err2 == nil && err3 == nil && !late && bytes.Equal(digest, digestOf(nonce, e.Created, password))
}
