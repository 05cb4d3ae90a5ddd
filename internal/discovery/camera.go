// SPDX-License-Identifier: GPL-3.0-or-later

package discovery

import (
	"bytes"
	"encoding/xml"
	"net/url"
	"strings"
	"unicode"
)

// Camera is a device that has answered.
type Camera struct {
	// Address is its host, with a port where it is not 80.
	Address string `json:"address"`
	// Name and Model are what it says of itself; they can be empty.
	Name  string `json:"name"`
	Model string `json:"model"`
	// Streams are there if Error is empty.
	Streams []Stream `json:"streams"`
	// Error says why the streams are not known.
	Error string `json:"error,omitempty"`
}

// envelope is the part of a ProbeMatches message (WS-Discovery §5.3) that matters
// here.
type envelope struct {
	Matches []struct {
		Scopes string `xml:"Scopes"`
		XAddrs string `xml:"XAddrs"`
	} `xml:"Body>ProbeMatches>ProbeMatch"`
}

// camerasIn reads an answer to a probe. There is none in what makes no sense.
func camerasIn(answer string) (cameras []Camera) {
	var e envelope
	if err := xml.NewDecoder(bytes.NewReader([]byte(answer))).Decode(&e); err != nil {
		return nil
	}
	for _, match := range e.Matches {
		if address := addressIn(match.XAddrs); address != "" {
			c := Camera{Address: address, Streams: []Stream{}}
			c.Name, c.Model = scope(match.Scopes, "name"), scope(match.Scopes, "hardware")
			cameras = append(cameras, c)
		}
	}
	return cameras
}

// addressIn returns the host of the first URL of a list that is separated by
// spaces: a device with several addresses names them all.
func addressIn(xaddrs string) string {
	for address := range strings.FieldsSeq(xaddrs) {
		if u, err := url.Parse(address); err == nil && u.Scheme == "http" && u.Host != "" {
			return u.Host
		}
	}
	return ""
}

// scope returns the value of a category (ONVIF Core Specification §7.3.2.2).
func scope(scopes, category string) string {
	for s := range strings.FieldsSeq(scopes) {
		if value, found := strings.CutPrefix(s, "onvif://www.onvif.org/"+category+"/"); found {
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
			return printable(value)
		}
	}
	return ""
}

// maxTextRunes bounds what is shown of a text that a device has sent.
const maxTextRunes = 100

// printable returns a text that cannot do harm to a terminal.
func printable(text string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text))
	return strings.TrimSpace(string(runes[:min(len(runes), maxTextRunes)]))
}
