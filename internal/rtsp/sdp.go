// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"strconv"
	"strings"
)

// Description is what a camera says of its streams.
type Description struct {
	Medias []Media
	// control is that of the session; empty if it has none of its own.
	control string
}

// Media is a stream.
type Media struct {
	// Type is "video", "audio" or another.
	Type string
	// Formats are those that its packets can have, in the camera's order.
	Formats []Format
	// BackChannel says that it is for sound that the camera is to play.
	BackChannel bool

	control string
	// direction is sendonly, recvonly, sendrecv or inactive; empty if it is not told.
	direction string
}

// Format is what packets of a payload type have in them.
type Format struct {
	PayloadType uint8
	// Encoding is the name of the codec in upper case (RFC 8866 §6.6); empty if it is
	// not known.
	Encoding string
	// ClockRate is that of the RTP time stamps, in Hz; 0 if it is not known.
	ClockRate int
	// Channels are those of audio.
	Channels int
	// Parameters are those of the codec, by their names in lower case.
	Parameters map[string]string

	// written is the encoding as the camera writes it; empty if it does not.
	written string
}

// String is the encoding as in a session description.
func (f *Format) String() string {
	switch {
	case f.written != "":
		return f.written
	case f.Encoding != "":
		return f.Encoding + "/" + strconv.Itoa(f.ClockRate)
	}
	return "payload type " + strconv.Itoa(int(f.PayloadType))
}

// staticFormats are the payload types that need no description (RFC 3551 §6).
var staticFormats = map[uint8]Format{
	0: {Encoding: "PCMU", ClockRate: 8000, Channels: 1}, 3: {Encoding: "GSM", ClockRate: 8000, Channels: 1},
	4: {Encoding: "G723", ClockRate: 8000, Channels: 1}, 5: {Encoding: "DVI4", ClockRate: 8000, Channels: 1},
	8: {Encoding: "PCMA", ClockRate: 8000, Channels: 1}, 9: {Encoding: "G722", ClockRate: 8000, Channels: 1},
	10: {Encoding: "L16", ClockRate: 44100, Channels: 2}, 11: {Encoding: "L16", ClockRate: 44100, Channels: 1},
	14: {Encoding: "MPA", ClockRate: 90000, Channels: 1}, 18: {Encoding: "G729", ClockRate: 8000, Channels: 1},
	26: {Encoding: "JPEG", ClockRate: 90000}, 31: {Encoding: "H261", ClockRate: 90000},
	32: {Encoding: "MPV", ClockRate: 90000}, 33: {Encoding: "MP2T", ClockRate: 90000}, 34: {Encoding: "H263", ClockRate: 90000},
}

// parseDescription reads a session description (RFC 8866). It looks at the few lines
// that matter here and takes what it can read: cameras write the others as they like.
func parseDescription(text string) *Description {
	d := &Description{}
	var media *Media
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) { // some end lines with a carriage return alone
		line = strings.TrimSpace(line)
		name, value, found := strings.Cut(line, "=")
		switch {
		case !found:
		case name == "m":
			if media = nil; len(d.Medias) < maxMedias {
				d.Medias = append(d.Medias, parseMedia(value))
				media = &d.Medias[len(d.Medias)-1]
			}
		case name == "a" && media != nil:
			media.attribute(value)
		case name == "a" && len(d.Medias) == 0:
			if name, control := parseAttribute(value); name == "control" && control != "*" {
				d.control = control
			}
		}
	}
	d.findBackChannels()
	return d
}

// parseMedia reads a media line: "video 0 RTP/AVP 96 97".
func parseMedia(value string) Media {
	fields := strings.Fields(value)
	if len(fields) == 0 {
		return Media{}
	}
	m := Media{Type: strings.ToLower(fields[0])}
	for _, field := range fields[min(3, len(fields)):] {
		payloadType, err := strconv.ParseUint(field, 10, 7)
		if err != nil || len(m.Formats) == maxFormats {
			continue
		}
		f := staticFormats[uint8(payloadType)]
		f.PayloadType = uint8(payloadType)
		m.Formats = append(m.Formats, f)
	}
	return m
}

// parseAttribute parts an attribute, whose name comes back in lower case.
func parseAttribute(text string) (name, value string) {
	name, value, _ = strings.Cut(text, ":")
	return strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
}

// attribute reads an attribute of a media stream.
func (m *Media) attribute(text string) {
	switch name, value := parseAttribute(text); name {
	case "control":
		m.control = value
	case "sendonly", "recvonly", "sendrecv", "inactive":
		m.direction = name
	case "rtpmap":
		if f, rest := m.format(value); f != nil {
			f.parseMap(rest)
		}
	case "fmtp":
		if f, rest := m.format(value); f != nil {
			f.Parameters = parseParameters(rest)
		}
	}
}

// format finds the format whose payload type a value begins with.
func (m *Media) format(value string) (f *Format, rest string) {
	number, rest, _ := strings.Cut(value, " ")
	payloadType, err := strconv.ParseUint(number, 10, 7)
	for i := range m.Formats {
		if err == nil && m.Formats[i].PayloadType == uint8(payloadType) {
			return &m.Formats[i], strings.TrimSpace(rest)
		}
	}
	return nil, ""
}

// parseMap reads the encoding of a format: "MPEG4-GENERIC/16000/1".
func (f *Format) parseMap(value string) {
	f.written = shorten(value)
	parts := strings.Split(value, "/")
	f.Encoding, f.ClockRate, f.Channels = strings.ToUpper(strings.TrimSpace(parts[0])), 0, 1
	if len(parts) > 1 {
		f.ClockRate = positive(parts[1])
	}
	if len(parts) > 2 {
		f.Channels = positive(parts[2])
	}
}

// positive reads a number that fits in 31 bits; what is none is 0.
func positive(text string) int {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// parseParameters reads "name=value; name=value".
func parseParameters(text string) map[string]string {
	parameters := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		if name, value, found := strings.Cut(part, "="); found {
			parameters[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	return parameters
}

// findBackChannels tells sound that the camera is to play from what it sends. Cameras that
// offer such a stream write the directions from the client's side (ONVIF Streaming §5.3):
// it is the one that is "sendonly". Some write them from their own (RFC 8866 §6.7), as the
// video shows, which they can but send: then it is the one that is "recvonly".
func (d *Description) findBackChannels() {
	back, others := "sendonly", false
	for i := range d.Medias {
		m := &d.Medias[i]
		others = others || m.direction != "sendonly"
		if m.Type == "video" && m.direction == "sendonly" {
			back = "recvonly"
		}
	}
	for i := range d.Medias {
		d.Medias[i].BackChannel = others && d.Medias[i].direction == back
	}
}
