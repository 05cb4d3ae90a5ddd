// SPDX-License-Identifier: GPL-3.0-or-later

package pullpoint

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// maxAnswerBytes is many times what a hundred events have.
	maxAnswerBytes = 1 << 20
	// maxHeaderBytes bounds what comes before an answer.
	maxHeaderBytes = 64 << 10
	// maxAddressBytes bounds addresses that a camera gives.
	maxAddressBytes = 2048
)

// client speaks SOAP 1.2 to one camera.
type client struct {
	http               http.Client
	device             *url.URL
	username, password string
	// anonymous says that no token is sent, which needs the camera's time.
	anonymous bool
	// skew is by how much the camera's clock is ahead of this machine's.
	skew time.Duration
	// login answers a camera that wants HTTP's digest authentication.
	login login
	// readBytes is how much the camera has answered so far.
	readBytes int64
}

func newClient(c Camera) *client {
	return &client{
		http: http.Client{
			// A camera has no business elsewhere, and no proxy knows it.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{MaxResponseHeaderBytes: maxHeaderBytes},
		},
		device: c.Device, username: c.Username, password: c.Password,
	}
}

// at is the address of a service as the camera gives it, but on the host that was given for the
// camera. A port that the camera names is believed.
func (c *client) at(address string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || len(address) > maxAddressBytes || u.Scheme != "http" && u.Scheme != "https" {
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "the camera names no address of its service")
	}
	host := c.device.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" {
		host += ":" + port
	}
	u.Host, u.User = host, nil
	return u, nil
}

// fault is how a camera refuses, by SOAP 1.2 or, as older cameras do, by SOAP 1.1.
type fault struct {
	Reason    string `xml:"Reason>Text"`
	Code      string `xml:"Code>Subcode>Value"`
	OldReason string `xml:"faultstring"`
	OldCode   string `xml:"faultcode"`
}

func (f *fault) Error() string {
	return fmt.Sprintf("the camera refuses: %.200q (%.100q)", cmp.Or(f.Reason, f.OldReason), cmp.Or(f.Code, f.OldCode))
}

// call sends a request, and reads the answer into answer. A camera that wants to know who asks
// by HTTP's authentication is told.
func (c *client) call(ctx context.Context, to *url.URL, action, header, body string, answer any) error {
	got, err := c.send(ctx, to, action, header, body)
	if err == nil && got.status == http.StatusUnauthorized && c.username != "" && c.login.challenged(got.header) {
		got, err = c.send(ctx, to, action, header, body)
	}
	if err != nil {
		return err
	}
	return read(got.data, got.status, answer)
}

// answered is what a camera has answered.
type answered struct {
	status int
	header http.Header
	data   []byte
}

// send sends a request.
func (c *client) send(ctx context.Context, to *url.URL, action, header, body string) (got answered, err error) {
	text := c.envelope(to, action, header, body)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(text))
	if err != nil {
		return got, err
	}
	request.Header.Set("Content-Type", `application/soap+xml; charset=utf-8; action="`+action+`"`)
	if err := c.login.authorize(request, c.username, c.password); err != nil {
		return got, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return got, err
	}
	defer response.Body.Close()
	got = answered{status: response.StatusCode, header: response.Header}
	got.data, err = io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	c.readBytes += int64(len(got.data))
	if err == nil && len(got.data) > maxAnswerBytes {
		err = moonfirefs.Errorf(moonfirefs.ErrInvalid, "the camera's answer is longer than %d bytes", maxAnswerBytes)
	}
	return got, err
}

// read reads an answer, which may be a fault.
func read(data []byte, status int, answer any) error {
	if status != http.StatusOK || bytes.Contains(data, []byte("Fault")) {
		var refused struct {
			Fault *fault `xml:"Body>Fault"`
		}
		if err := decode(data, &refused); err == nil && refused.Fault != nil {
			return refused.Fault
		}
	}
	if status != http.StatusOK {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "the camera answers with HTTP status %d", status)
	}
	if answer == nil {
		return nil
	}
	if err := decode(data, answer); err != nil {
		return fmt.Errorf("read the camera's answer: %w", err)
	}
	return nil
}

func decode(data []byte, into any) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // names of topics are ASCII
	return d.Decode(into)
}

const envelopeText = `<?xml version="1.0" encoding="UTF-8"?>` +
	`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header>` +
	`<a:Action s:mustUnderstand="1">%s</a:Action><a:MessageID>urn:uuid:%s</a:MessageID><a:To s:mustUnderstand="1">%s</a:To>%s%s` +
	`</s:Header><s:Body>%s</s:Body></s:Envelope>`

func (c *client) envelope(to *url.URL, action, header, body string) string {
	return fmt.Sprintf(envelopeText, action, uuid.NewString(), escaped(to.String()), c.token(), header, body)
}

const tokenText = `<w:Security s:mustUnderstand="1" xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">` +
	`<w:UsernameToken><w:Username>%s</w:Username>` +
	`<w:Password Type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest">%s</w:Password>` +
	`<w:Nonce EncodingType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary">%s</w:Nonce>` +
	`<u:Created xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd">%s</u:Created>` +
	`</w:UsernameToken></w:Security>`

// token is who asks (WS-Security UsernameToken Profile 1.0), by the camera's clock.
func (c *client) token() string {
	if c.username == "" || c.anonymous {
		return ""
	}
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	created := time.Now().Add(c.skew).UTC().Format("2006-01-02T15:04:05.000Z")
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf(tokenText, escaped(c.username), encode(digestOf(nonce, created, c.password)), encode(nonce), created)
}

func digestOf(nonce []byte, created, password string) []byte {
	sum := sha1.Sum(append(append(bytes.Clone(nonce), created...), password...))
	return sum[:]
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}
