// SPDX-License-Identifier: GPL-3.0-or-later

package mqtt

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events"
)

// FrigateTopic is the topic of Frigate's events unless it is told another prefix.
const FrigateTopic = "frigate/events"

// Config says what to listen to.
type Config struct {
	// Broker is a URL such as mqtt://nas:1883 or mqtts://nas:8883.
	Broker string
	// Username and Password are empty for none. They are never logged.
	Username, Password string
	// ClientID is what the broker knows this client by; no two may have the same.
	ClientID string
	// Frigate is the topic of Frigate's events; empty for none.
	Frigate string
	// Switches are topics that are on or off.
	Switches []Switch
	// Camera finds a camera by the name by which Frigate or a Switch calls it; ok is false if
	// there is none. It is called for each message.
	Camera func(name string) (camera uuid.UUID, ok bool)
}

// Switch is a topic that is on or off, and what it means.
type Switch struct{ Topic, Camera, Label string }

// ParseSwitch reads TOPIC=CAMERA:LABEL. The error wraps moonfirefs.ErrInvalid.
func ParseSwitch(text string) (s Switch, err error) {
	topic, rest, ok := strings.Cut(text, "=")
	camera, label, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 || topic == "" || camera == "" || label == "" {
		return s, moonfirefs.Errorf(moonfirefs.ErrInvalid, "%q is not TOPIC=CAMERA:LABEL", text)
	}
	if strings.ContainsAny(topic, "+#") {
		return s, moonfirefs.Errorf(moonfirefs.ErrInvalid, "topic %q has a wildcard", topic)
	}
	if err := checkTopic(topic); err != nil {
		return s, err
	}
	if _, ok := events.CleanLabel(label); !ok {
		return s, moonfirefs.Errorf(moonfirefs.ErrInvalid, "label %q has no character that the name of a file can have", label)
	}
	return Switch{topic, camera, label}, nil
}

// checkTopic refuses topics for which a broker closes the connection (MQTT 3.1.1 §4.7), each time.
func checkTopic(topic string) error {
	if len(topic) > maxTopicBytes || !utf8.ValidString(topic) || strings.ContainsRune(topic, 0) {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "topic %.100q is not one", topic)
	}
	levels := strings.Split(topic, "/")
	for i, level := range levels {
		whole := level == "+" || level == "#" && i == len(levels)-1
		if strings.ContainsAny(level, "+#") && !whole {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "topic %.100q has a wildcard where none can be", topic)
		}
	}
	return nil
}

// maxTopicBytes is as long as a topic can be.
const maxTopicBytes = 1<<16 - 1

// schemes are those that the library has, by what a person may write.
var schemes = map[string]string{"mqtt": "tcp", "tcp": "tcp", "mqtts": "ssl", "ssl": "ssl", "ws": "ws", "wss": "wss"}

// brokerURL checks the URL of a broker, and writes it as the library wants it.
func brokerURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || schemes[u.Scheme] == "" {
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "the broker must be given as mqtt://HOST:PORT or mqtts://HOST:PORT")
	}
	if u.User != nil {
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "the URL of the broker must not have a user or a password")
	}
	u.Scheme = schemes[u.Scheme]
	if u.Port() == "" {
		u.Host += map[string]string{"tcp": ":1883", "ssl": ":8883", "ws": ":80", "wss": ":443"}[u.Scheme]
	}
	return u, nil
}

// Check says whether a configuration can be used. The error wraps moonfirefs.ErrInvalid.
func (c *Config) Check() error {
	if c.Frigate == "" && len(c.Switches) == 0 {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "there is no topic to listen to")
	}
	if err := checkTopic(c.Frigate); err != nil {
		return err
	}
	given := make(map[string]bool)
	for _, s := range c.Switches {
		if given[s.Topic] || s.Topic == c.Frigate {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "topic %q is given twice", s.Topic)
		}
		given[s.Topic] = true
	}
	_, err := brokerURL(c.Broker)
	return err
}
