// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"bytes"
	"errors"
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
)

// Status codes that mean something here (RFC 2326 §7.1.1).
const (
	statusOK                   = 200
	statusUnauthorized         = 401
	statusNotAllowed           = 405
	statusSessionNotFound      = 454
	statusInvalidField         = 456
	statusInvalidRange         = 457
	statusNotAggregate         = 459
	statusUnsupportedTransport = 461
	statusNotImplemented       = 501
	statusOptionNotSupported   = 551
)

// protocol begins each answer.
const protocol = "RTSP/"

// header has the fields of a message by their canonical names.
type header map[string][]string

func (h header) get(name string) string {
	if values := h[textproto.CanonicalMIMEHeaderKey(name)]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// message is an answer, or a request of the camera's. It keeps nothing of the memory
// that it was parsed from.
type message struct {
	// method is empty in an answer, and code 0 in a request.
	method string
	code   int
	reason string
	header header
	body   []byte
}

// redirects tells whether it is an answer that sends us elsewhere (RFC 2326 §11.3).
func (m *message) redirects() bool { return m.code >= 300 && m.code <= 399 }

var (
	errMalformed = errors.New("not an RTSP message")
	errTooLong   = errors.New("an RTSP message of the camera has too many header lines")
)

// parseMessage parses a message at the beginning of b. It returns its size; 0 if more
// bytes are needed, and then how many in all, as far as that is known.
func parseMessage(b []byte) (m *message, size, needs int, err error) {
	head, size := splitHead(b)
	if size == 0 {
		if len(b) > maxHeaderBytes {
			return nil, 0, 0, errTooLong
		}
		return nil, 0, 0, nil
	}
	if size > maxHeaderBytes {
		return nil, 0, 0, errTooLong
	}
	lines := strings.Split(string(head), "\n")
	m = &message{header: parseHeader(lines[1:])}
	if err := m.parseStart(strings.TrimRight(lines[0], "\r")); err != nil {
		return nil, 0, 0, err
	}
	length, err := m.bodyBytes()
	if err != nil {
		return nil, 0, 0, err
	}
	if len(b) < size+length {
		return nil, 0, size + length, nil
	}
	m.body = bytes.Clone(b[size : size+length])
	return m, size + length, 0, nil
}

// splitHead returns the lines before the empty one, and where the body begins; 0 if
// that has not come yet. Lines should end with CR LF, and some end with LF.
func splitHead(b []byte) (head []byte, size int) {
	for at := 0; ; {
		end := bytes.IndexByte(b[at:], '\n')
		if end < 0 {
			return nil, 0
		}
		line := b[at : at+end]
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return b[:at], at + end + 1
		}
		at += end + 1
	}
}

// parseHeader takes what it can read. Values end up in requests, so they are of one line,
// also for those who take a carriage return for its end.
func parseHeader(lines []string) header {
	h := header{}
	for _, line := range lines {
		name, value, found := strings.Cut(line, ":")
		if !found {
			continue
		}
		name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
		h[name] = append(h[name], strings.TrimSpace(strings.ReplaceAll(value, "\r", "")))
	}
	return h
}

// parseStart reads a status line, or a request line (RFC 2326 §6.1, §7.1).
func (m *message) parseStart(line string) error {
	first, rest, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(first, protocol) {
		m.method = first
		return nil
	}
	code, reason, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.Atoi(code)
	if err != nil || n < 100 || n > 999 {
		return errMalformed
	}
	m.code, m.reason = n, strings.TrimSpace(reason)
	return nil
}

// bodyBytes is what Content-Length says.
func (m *message) bodyBytes() (int, error) {
	text := m.header.get("Content-Length")
	if text == "" {
		return 0, nil
	}
	length, err := strconv.ParseUint(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, nil // of no use, and so it is taken for none
	}
	if length > maxBodyBytes || err != nil {
		return 0, fmt.Errorf("the camera announces an answer of %s bytes, at most %d are taken", shorten(text), maxBodyBytes)
	}
	return int(length), nil
}

// maxReasonBytes is what is told of a text of the camera's.
const maxReasonBytes = 60

// shorten makes a text of the camera's fit to be told.
func shorten(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return text[:min(len(text), maxReasonBytes)]
}

// cSeq is the sequence number that an answer repeats; -1 if it does not.
func (m *message) cSeq() int {
	n, err := strconv.Atoi(m.header.get("CSeq"))
	if err != nil {
		return -1
	}
	return n
}
