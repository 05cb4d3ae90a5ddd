// SPDX-License-Identifier: GPL-3.0-or-later

package mqtt

import (
	"bytes"
	"encoding/json"
	"math"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// maxMessageBytes is many times what an event of Frigate has.
	maxMessageBytes = 256 << 10
	// maxWordBytes bounds what is kept of a message: each of its words.
	maxWordBytes = 256
)

// frigateEvent is what is used of a message of Frigate.
type frigateEvent struct {
	// Type is new, update or end.
	Type  string `json:"type"`
	After struct {
		ID            string  `json:"id"`
		Camera        string  `json:"camera"`
		Label         string  `json:"label"`
		StartTime     float64 `json:"start_time"`
		FalsePositive bool    `json:"false_positive"`
	} `json:"after"`
}

// parseFrigate reads an event of Frigate; ok is false if it is none, or not to be believed.
func parseFrigate(payload []byte) (e frigateEvent, ok bool) {
	if len(payload) > maxMessageBytes || json.Unmarshal(payload, &e) != nil {
		return frigateEvent{}, false
	}
	switch e.Type {
	case "new", "update", "end":
	default:
		return frigateEvent{}, false
	}
	a := &e.After
	for _, word := range []string{a.ID, a.Camera, a.Label} {
		if word == "" || len(word) > maxWordBytes {
			return frigateEvent{}, false
		}
	}
	return e, !a.FalsePositive || e.Type == "end"
}

// since90k is when the event began by Frigate's clock, or 0 if it does not say.
func (e *frigateEvent) since90k() moonfirefs.Time90k {
	seconds := e.After.StartTime
	if !(seconds > 0 && seconds < 1e10) {
		return 0
	}
	whole, part := math.Modf(seconds)
	return moonfirefs.FromTime(time.Unix(int64(whole), int64(part*1e9)))
}

// state is what a Switch says.
type state int

const (
	unknown state = iota
	on
	off
)

// states are what home automation writes, in lower case.
var states = map[string]state{
	"on": on, "off": off, "true": on, "false": off, "1": on, "0": off,
	"open": on, "closed": off, "detected": on, "clear": off,
}

// parseState reads the payload of a Switch: a word, or JSON that has it as "state" or as
// "occupancy", "contact" excepted, which means the contrary of open.
func parseState(payload []byte) state {
	if len(payload) > maxMessageBytes {
		return unknown
	}
	text := bytes.ToLower(bytes.Trim(bytes.TrimSpace(payload), `"`))
	if s := states[string(text)]; s != unknown {
		return s
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(payload, &object) != nil {
		return unknown
	}
	for _, key := range []string{"state", "occupancy", "motion", "presence"} {
		if raw, ok := object[key]; ok {
			return states[string(bytes.ToLower(bytes.Trim(raw, `"`)))]
		}
	}
	return unknown
}
