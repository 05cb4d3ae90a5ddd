// SPDX-License-Identifier: GPL-3.0-or-later

package mqtt

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events"
	"github.com/moonfirefs/moonfirefs/events/eventstest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// Ensures what becomes of messages of a real broker that nobody should send: labels that files
// can have, times within an hour, and otherwise nothing; and that the connection bears all of them.
func TestHostileMessages(t *testing.T) {
	broker, address, _ := startBroker(t, "127.0.0.1:0")
	retained := frigate("new", "retained", "driveway", "retained", "1")
	if err := broker.Publish("frigate/events", []byte(retained), true, 1); err != nil {
		t.Fatal(err)
	}
	d := eventstest.Open(t, yard)
	l, err := Start(Config{
		Broker: "mqtt://" + address, Username: "nvr", Password: "secret", ClientID: "test", Frigate: FrigateTopic,
		Switches: []Switch{{"a b/ä//$x/\u202e", "driveway", "a/b"}, {"hall", "driveway", "hall"}},
		Camera:   func(name string) (uuid.UUID, bool) { return yard, name == "driveway" },
	}, d, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "it has subscribed", subscribed(broker))
	deep := strings.Repeat(`{"after":`, 100_000) + "1" + strings.Repeat("}", 100_000)
	huge := strings.Repeat("x", 10<<20)
	for _, nonsense := range []string{
		deep[:maxMessageBytes], deep, huge, `{"type":"new","x":"` + huge + `"}`, strings.Repeat("[", maxMessageBytes), "\x00", "\xff\xfe",
		frigate("new", "", "driveway", "no ID", "1"), frigate("new", strings.Repeat("i", 300), "driveway", "long ID", "1"),
		frigate("new", "1", "driveway", `../..`, "1"), frigate("new", "1", "driveway", `\n\u0000\u202e`, "1"),
		frigate("new", "1", strings.Repeat("c", 1000), "long camera", "1"), frigate("new", "1", "driveway", strings.Repeat("l", 1000), "1"),
		frigate("new", "1", "driveway", "NaN", "NaN"), `{"type":"new","after":{"id":"1","camera":"driveway","label":"x","start_time":"1"}}`,
		`{"type":"end","after":{"id":"false","camera":"driveway","label":"false","false_positive":true}}`,
	} {
		publish(t, broker, "frigate/events", nonsense)
	}
	want := map[string]string{}
	for i, test := range []struct{ label, time, want string }{
		{`a/b\\c:d`, "1", "a-b-c-d"}, {`\u202egpj.exe`, "-5", "gpj.exe"}, {`tab\there`, "1e300", "tab-here"}, {`saved`, "4102444800", "saved"},
		{`--> <b>`, "-1e300", "b"}, {strings.Repeat("ä", 100), "0.0000001", strings.Repeat("ä", 32)}, {`x\ud800y`, "978307200", "x-y"},
	} {
		publish(t, broker, "frigate/events", frigate("new", fmt.Sprint("good ", i), "driveway", test.label, test.time))
		want[test.want] = test.time
	}
	publish(t, broker, "a b/ä//$x/\u202e", "ON")
	publish(t, broker, "hall", huge)
	publish(t, broker, "hall", strings.Repeat(" ", 1<<16)+"ON")
	want["a-b"], want["hall"] = "", ""
	wait.Until(t, "the events", func() bool { return len(eventstest.All(t, d)) >= len(want) })
	publish(t, broker, "hall", "OFF")
	wait.Until(t, "the last one is over", func() bool {
		all := eventstest.All(t, d)
		e := all[len(all)-1]
		return e.End90k > e.Start90k
	})
	if n := broker.Info.Clone().ClientsTotal; n > 2 { // one is that of the test
		t.Errorf("%d clients have connected", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	now := moonfirefs.FromTime(time.Now())
	for _, e := range eventstest.All(t, d) {
		if _, ok := want[e.Label]; !ok || events.CheckLabel(e.Label) != nil {
			t.Errorf("there is an event %q", e.Label)
		}
		if now.Sub(e.Start90k) > 2*moonfirefs.Hour90k || e.End90k > now {
			t.Errorf("%s is from %v to %v", e.Label, e.Start90k, e.End90k)
		}
		delete(want, e.Label)
	}
	if len(want) > 0 {
		t.Errorf("there is no event %q", want)
	}
}

// frigate is an event of Frigate; label and start are JSON.
func frigate(kind, id, camera, label, start string) string {
	return fmt.Sprintf(`{"type":%q,"after":{"id":%q,"camera":%q,"label":"%s","start_time":%s}}`, kind, id, camera, label, start)
}

// Ensures that a flood of events is not stored, and does not keep what comes after it from being so.
func TestFlood(t *testing.T) {
	broker, address, _ := startBroker(t, "127.0.0.1:0")
	d := eventstest.Open(t, yard)
	garden := uuid.MustParse("33333333-3333-4333-8333-333333333333")
	l, err := Start(Config{
		Broker: "mqtt://" + address, Username: "nvr", Password: "secret", ClientID: "test", Frigate: FrigateTopic,
		Switches: []Switch{{"hall", "garden", "hall"}},
		Camera: func(name string) (uuid.UUID, bool) {
			return map[string]uuid.UUID{"driveway": yard, "garden": garden}[name], true
		},
	}, d, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "it has subscribed", subscribed(broker))
	for i := range 1400 {
		kind := []string{"new", "end"}[i%2]
		publish(t, broker, "frigate/events", frigate(kind, fmt.Sprint(i/2), "driveway", fmt.Sprint("flood ", i/2), "1"))
	}
	wait.Until(t, "an event after it", func() bool {
		publish(t, broker, "hall", "ON")
		all := eventstest.All(t, d)
		return len(all) > 0 && all[len(all)-1].Label == "hall"
	})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(eventstest.All(t, d)); n > 400 {
		t.Errorf("%d events are stored", n)
	}
}
