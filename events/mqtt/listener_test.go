// SPDX-License-Identifier: GPL-3.0-or-later

package mqtt

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	server "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/moonfirefs/moonfirefs/events/eventstest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

var yard = uuid.MustParse("22222222-2222-4222-8222-222222222222")

// startBroker starts a real broker that wants a password.
func startBroker(t *testing.T, address string) (broker *server.Server, at string, stop func()) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	broker = server.New(&server.Options{InlineClient: true, Logger: quiet})
	rules := &auth.Ledger{Auth: auth.AuthRules{{Username: "nvr", Password: "secret", Allow: true}}}
	if err := broker.AddHook(new(auth.Hook), &auth.Options{Ledger: rules}); err != nil {
		t.Fatal(err)
	}
	listener := listeners.NewTCP(listeners.Config{ID: "test", Address: address})
	if err := broker.AddListener(listener); err != nil {
		t.Fatal(err)
	}
	if err := broker.Serve(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { _ = broker.Close() })
	t.Cleanup(stop)
	return broker, listener.Address(), stop
}

func publish(t *testing.T, broker *server.Server, topic, payload string) {
	t.Helper()
	if err := broker.Publish(topic, []byte(payload), false, 0); err != nil {
		t.Fatal(err)
	}
}

func subscribed(broker *server.Server) func() bool {
	return func() bool { return len(broker.Topics.Subscribers("frigate/events").Subscriptions) == 1 }
}

// Ensures that events of a real broker are stored, as Frigate and as home automation tells of
// them; that what is not understood, and what is of other cameras, is not; and that what is on
// ends when the broker goes, and is heard again when it is back.
func TestListener(t *testing.T) {
	broker, address, stop := startBroker(t, "127.0.0.1:0")
	d := eventstest.Open(t, yard)
	l, err := Start(Config{
		Broker: "mqtt://" + address, Username: "nvr", Password: "secret", ClientID: "test", Frigate: FrigateTopic,
		Switches: []Switch{{"hall/door", "driveway", "door"}},
		Camera:   func(name string) (uuid.UUID, bool) { return yard, name == "driveway" },
	}, d, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "it has subscribed", subscribed(broker))
	begin := time.Now().Add(-3 * time.Second)
	event := func(kind, id, camera, label string) string {
		return fmt.Sprintf(`{"type":%q,"before":{},"after":{"id":%q,"camera":%q,"label":%q,"start_time":%d.25,"end_time":null}}`,
			kind, id, camera, label, begin.Unix())
	}
	for _, nonsense := range []string{"", "{", "[]", `{"type":"new"}`, `{"type":"old","after":{"id":"1","camera":"driveway","label":"x"}}`, event("new", "9", "attic", "person")} {
		publish(t, broker, "frigate/events", nonsense)
	}
	publish(t, broker, "hall/door", "perhaps")
	publish(t, broker, "hall/door", "OFF")
	publish(t, broker, "frigate/events", event("new", "1", "driveway", "person"))
	publish(t, broker, "frigate/events", event("update", "1", "driveway", "person"))
	publish(t, broker, "frigate/events", event("end", "1", "driveway", "person"))
	publish(t, broker, "hall/door", "ON")
	wait.Until(t, "two events", func() bool { return len(eventstest.All(t, d)) == 2 })
	found := eventstest.All(t, d)
	if e := found[0]; e.Label != "person" || e.Camera != yard || e.Source != "mqtt" || e.Start90k.Time().UnixMilli() != begin.Unix()*1000+250 || e.End90k <= e.Start90k {
		t.Errorf("the event of Frigate is %+v", e)
	}
	if e := found[1]; e.Label != "door" {
		t.Errorf("the event of the door is %+v", e)
	}

	stop()
	wait.Until(t, "what is on has ended", func() bool { return eventstest.All(t, d)[1].End90k > found[1].End90k })
	ended := eventstest.All(t, d)[1].End90k
	broker, _, _ = startBroker(t, address)
	wait.Until(t, "it is back", subscribed(broker))
	publish(t, broker, "hall/door", `{"state":"on"}`)
	wait.Until(t, "another event", func() bool { return len(eventstest.All(t, d)) == 3 })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if found := eventstest.All(t, d); found[1].End90k != ended || found[2].End90k <= found[2].Start90k {
		t.Errorf("in the end there are %+v", found)
	}
}

// Ensures what counts as on and as off.
func TestParseState(t *testing.T) {
	for payload, want := range map[string]state{
		"ON": on, "off": off, `"on"`: on, "on\n": on, "1": on, "closed": off, `{"state":"OFF"}`: off, `{"occupancy":true}`: on,
		`{"motion":false,"battery":3}`: off, "": unknown, "2": unknown, "{}": unknown, `{"state":3}`: unknown, "null": unknown,
	} {
		if got := parseState([]byte(payload)); got != want {
			t.Errorf("%q is %v, want %v", payload, got, want)
		}
	}
}

// Ensures which configurations are refused.
func TestConfig(t *testing.T) {
	for broker, ok := range map[string]bool{
		"mqtt://nas": true, "mqtts://nas:8883": true, "nas:1883": false, "http://nas": false, "mqtt://bob:secret@nas": false, "": false,
	} {
		if err := (&Config{Broker: broker, Frigate: FrigateTopic}).Check(); (err == nil) != ok {
			t.Errorf("%q: %v", broker, err)
		}
	}
	for text, ok := range map[string]bool{"a/b=yard:door": true, "a/b=yard": false, "=yard:door": false, "a/+=yard:door": false, "a": false} {
		if _, err := ParseSwitch(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzMessages ensures that nothing that a broker can send does harm.
func FuzzMessages(f *testing.F) {
	f.Add([]byte(`{"type":"new","after":{"id":"1","camera":"a","label":"b","start_time":1e300}}`))
	f.Add([]byte(`{"state":"on"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		parseState(payload)
		if e, ok := parseFrigate(payload); ok {
			if at := e.since90k(); at < 0 {
				t.Errorf("%q began at %v", payload, at)
			}
		}
	})
}
