// SPDX-License-Identifier: GPL-3.0-or-later

package pullpoint

import "strings"

// labels are what topics become: the first whose word is in the topic. Makers have their own
// topics for what people call the same.
var labels = []struct{ word, label string }{
	{"people", "person"}, {"human", "person"}, {"person", "person"},
	{"vehicle", "vehicle"}, {"face", "face"}, {"dogcat", "animal"}, {"animal", "animal"}, {"pet", "animal"},
	{"visitor", "visitor"},
	{"linedetector", "line crossing"}, {"linecross", "line crossing"},
	{"digitalinput", "digital input"},
	{"tamper", "tamper"}, {"globalscenechange", "tamper"},
	{"fielddetector", "intrusion"},
	{"motion", "motion"},
}

// labelOf says what a topic is called; ok is false if it is none of those that are events,
// such as the state of a relay or of a processor.
func labelOf(topic string) (label string, ok bool) {
	topic = strings.ToLower(topic)
	for _, l := range labels {
		if strings.Contains(topic, l.word) {
			return l.label, true
		}
	}
	return "", false
}

// what a notification says.
type state int

const (
	moment state = iota
	on
	off
)

// states are the values that say so, in lower case.
var states = map[string]state{"true": on, "false": off, "active": on, "inactive": off, "on": on, "off": off}

// numbers are those that say so as well, in items that are not the number of something.
var numbers = map[string]state{"1": on, "0": off}

// state reads the first item that is true or false. Where there is none, something has happened
// at a moment.
func (n *notification) state() state {
	if n.Message.Operation == "Deleted" {
		return off
	}
	for _, i := range n.Message.Data {
		if s, ok := states[strings.ToLower(i.Value)]; ok {
			return s
		}
		if s, ok := numbers[i.Value]; ok && !counts(i.Name) {
			return s
		}
	}
	return moment
}

// counts says whether an item is the number of something by its name, such as ObjectId.
func counts(name string) bool {
	name = strings.ToLower(name)
	for _, end := range []string{"id", "ids", "count", "number", "level", "token", "index", "confidence", "likelihood"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// key tells apart what can be on at the same time: topics, and what they are of.
func (n *notification) key() string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(n.Topic))
	for _, i := range n.Message.Source {
		b.WriteString("|" + i.Name + "=" + i.Value)
	}
	key := b.String()
	return key[:min(len(key), 512)]
}
