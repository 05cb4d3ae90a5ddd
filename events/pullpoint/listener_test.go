// SPDX-License-Identifier: GPL-3.0-or-later

package pullpoint

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events/eventstest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

var yard = uuid.MustParse("22222222-2222-4222-8222-222222222222")

// Ensures that events of a camera are stored: states from when they are on until they are off,
// others as moments, with whatever makers call them; that a subscription which the camera has
// forgotten is made anew, and ends what was on; and that the last one is ended. The camera's
// clock is wrong, and it gives addresses at which nobody can reach it.
func TestListener(t *testing.T) {
	c, d := startCamera(t), eventstest.Open(t, yard)
	where := func(context.Context) (Camera, error) {
		return Camera{UUID: yard, Name: "yard", Device: c.device(t), Username: "nvr", Password: password}, nil
	}
	l := Start("yard", where, d, slog.New(slog.DiscardHandler))
	const motion = "tns1:RuleEngine/CellMotionDetector/Motion"
	c.events <- event("tns1:Monitoring/ProcessorUsage", "p", boolean("Value", "1")) + event(motion, "1", boolean("IsMotion", "false"))
	c.events <- event(motion, "1", boolean("IsMotion", "true")) + event(motion, "1", boolean("IsMotion", "true"))
	c.events <- event("tns1:RuleEngine/LineDetector/Crossed", "1", boolean("ObjectId", "17"))
	c.events <- event("tns1:RuleEngine/MyRuleDetector/PeopleDetect", "1", boolean("State", "true"))
	wait.Until(t, "three events", func() bool { return len(eventstest.All(t, d)) == 3 })
	c.events <- event(motion, "1", boolean("IsMotion", "false"))
	wait.Until(t, "the motion has ended", func() bool { return eventstest.All(t, d)[0].End90k > eventstest.All(t, d)[0].Start90k })
	found := eventstest.All(t, d)
	for i, want := range []string{"motion", "line crossing", "person"} {
		if e := found[i]; e.Label != want || e.Camera != yard || e.Source != "onvif" {
			t.Errorf("event %d is %+v, want %s", i, e, want)
		}
	}

	c.forget()
	wait.Until(t, "another subscription", func() bool { return c.made() > 1 })
	if e := eventstest.All(t, d)[2]; e.End90k <= e.Start90k {
		t.Errorf("what was on goes on: %+v", e)
	}
	c.events <- event("tns1:Device/Trigger/DigitalInput", "2", boolean("LogicalState", "true"))
	wait.Until(t, "a fourth event", func() bool { return len(eventstest.All(t, d)) == 4 })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if e := eventstest.All(t, d)[3]; e.Label != "digital input" || e.End90k <= e.Start90k {
		t.Errorf("the last event is %+v", e)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		t.Error("the subscription was not ended")
	}
}

// Ensures what is made of refusals, and of answers that are none or too long.
func TestAnswers(t *testing.T) {
	c := startCamera(t)
	wrong := newClient(Camera{Device: c.device(t), Username: "nvr", Password: "wrong"})
	var refused *fault
	if _, err := wrong.eventService(t.Context()); !errors.As(err, &refused) || !strings.Contains(err.Error(), "not authorized") {
		t.Errorf("a wrong password: %v", err)
	}
	for what, answer := range map[string]string{
		"nothing": "", "HTML": "<html>", "no address": reply("<tds:GetCapabilitiesResponse/>"), "too long": strings.Repeat(" ", maxAnswerBytes+1),
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
		device := c.device(t)
		device.Host = strings.TrimPrefix(server.URL, "http://")
		if _, err := newClient(Camera{Device: device}).eventService(t.Context()); err == nil {
			t.Errorf("%s is no error", what)
		}
		server.Close()
	}
	if _, err := wrong.at("http://elsewhere:99/x"); err != nil {
		t.Fatal(err)
	}
	if u, _ := wrong.at("http://bob@elsewhere:99/x?y=1"); u.String() != "http://127.0.0.1:99/x?y=1" {
		t.Errorf("it would be asked at %s", u)
	}
	if _, err := wrong.at("file:///etc/passwd"); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("a file: %v", err)
	}
}

// Ensures that a digest is that of WS-Security's UsernameToken, by the example of ONVIF's
// programmer's guide.
func TestDigest(t *testing.T) {
	nonce, err := base64.StdEncoding.DecodeString("LKqI6G/AikKCQrN0zqZFlg==")
	if err != nil {
		t.Fatal(err)
	}
	got := base64.StdEncoding.EncodeToString(digestOf(nonce, "2010-09-16T07:50:45Z", "userpassword"))
	if want := "tuOSpGlFlIXsozq4HFNeeGeFLEI="; got != want {
		t.Errorf("the digest is %s, want %s", got, want)
	}
}

// FuzzAnswers ensures that nothing that a camera can answer does harm.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(reply(`<tev:PullMessagesResponse>` + event("tns1:VideoSource/MotionAlarm", "1", boolean("State", "true")) + `</tev:PullMessagesResponse>`)))
	f.Add([]byte(reply(`<SOAP-ENV:Fault><SOAP-ENV:Reason><SOAP-ENV:Text>x</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>`)))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var answer struct {
			Messages []notification `xml:"Body>PullMessagesResponse>NotificationMessage"`
		}
		if read(data, http.StatusOK, &answer) != nil {
			return
		}
		for i := range answer.Messages {
			n := &answer.Messages[i]
			_, _ = labelOf(n.Topic)
			_, _ = n.state(), n.key()
		}
	})
}
