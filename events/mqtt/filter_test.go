// SPDX-License-Identifier: GPL-3.0-or-later

package mqtt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events/eventstest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// onlyRead is a connection from which can only be read.
type onlyRead struct {
	net.Conn
	io.Reader
}

func (c onlyRead) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// packet makes one as a broker does.
func packet(first byte, body ...string) string {
	all := strings.Join(body, "")
	return string(binary.AppendUvarint([]byte{first}, uint64(len(all)))) + all
}

// Ensures what passes of what a broker sends: all that can be meant, messages that are too long
// without their payload, and nothing after what cannot be.
func TestFilter(t *testing.T) {
	const topic, id = "\x00\x03a/b", "\x00\x07"
	ok := packet(0x20, "\x00\x00") + packet(0x90, id, "\x01\x80") + packet(0xd0) + packet(0x30, topic, "text") + packet(0x32, topic, id, "text")
	long := strings.Repeat("x", maxPacketBytes)
	for what, test := range map[string]struct {
		sent, passed string
		invalid      bool
	}{
		"what brokers send":                {ok, ok, false},
		"a long message":                   {packet(0x30, topic, long) + ok, packet(0x30, topic) + ok, false},
		"a long message with a number":     {packet(0x33, topic, id, long) + ok, packet(0x33, topic, id) + ok, false},
		"an answer for too many topics":    {ok + packet(0x90, id, "\x00\x00\x00") + ok, ok, true},
		"a long answer":                    {packet(0x20, long), "", true},
		"exactly once":                     {packet(0x34, topic, id, "text"), "", true},
		"a quality of service of 3":        {packet(0x36, topic, id, "text"), "", true},
		"a packet of who publishes":        {packet(0x82, id, topic, "\x01"), "", true},
		"no packet":                        {"HTTP/1.1 400 Bad Request\r\n\r\n", "", true},
		"a length of five bytes":           {"\x30\xff\xff\xff\xff\x01", "", true},
		"the end within a length":          {"\x30\xff", "", false},
		"the end within a topic":           {"\x30\xff\xff\xff\x7f\x00\x09ab", "", false},
		"the end within a long message":    {packet(0x30, topic, long)[:1000], "", false},
		"the end within a message":         {packet(0x30, topic, "text")[:8], packet(0x30, topic, "text")[:8], false},
		"a topic that is longer than that": {packet(0x30, "\xff\xffab"), packet(0x30, "\xff\xffab"), false},
	} {
		for _, slow := range []bool{false, true} {
			var in io.Reader = strings.NewReader(test.sent)
			if slow {
				in = iotest.OneByteReader(in)
			}
			got, err := io.ReadAll(newFilter(onlyRead{Reader: in}, 2))
			if string(got) != test.passed || errors.Is(err, moonfirefs.ErrInvalid) != test.invalid {
				t.Errorf("%s: %d bytes passed, want %d, %v", what, len(got), len(test.passed), err)
			}
		}
	}
}

// Ensures that a broker that answers nonsense neither ends the process nor keeps the listener: it
// connects again, and takes events then.
func TestHostileBroker(t *testing.T) {
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	good := packet(0x30, "\x00\x04door", "ON")
	answers := []string{
		packet(0x90, "\x00\x01", strings.Repeat("\x00", 9)), // for more topics than there are
		packet(0x90, "\x00\x01", "\x80\x80"),                // all are refused
		good,
	}
	var connections atomic.Int64
	go func() {
		for {
			c, err := listening.Accept()
			if err != nil {
				return
			}
			n := int(connections.Add(1)) - 1
			go serveNonsense(c, answers[min(n, len(answers)-1)])
		}
	}()
	d := eventstest.Open(t, yard)
	l, err := Start(Config{
		Broker: "mqtt://" + listening.Addr().String(), ClientID: "test", Frigate: FrigateTopic,
		Switches: []Switch{{"door", "driveway", "door"}},
		Camera:   func(string) (uuid.UUID, bool) { return yard, true },
	}, d, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "an event", func() bool { return len(eventstest.All(t, d)) == 1 })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n := connections.Load(); n < 3 {
		t.Errorf("%d connections", n)
	}
}

// serveNonsense accepts a client, and answers its subscription.
func serveNonsense(c net.Conn, answer string) {
	defer c.Close()
	buffer := make([]byte, 4096)
	if _, err := c.Read(buffer); err != nil {
		return
	}
	_, _ = io.WriteString(c, packet(0x20, "\x00\x00"))
	n, err := c.Read(buffer)
	if err != nil || n < 4 {
		return
	}
	id := buffer[2:4] // behind a length of one byte
	if answer[0] == 0x90 {
		answer = answer[:2] + string(id) + answer[4:]
	} else {
		answer = packet(0x90, string(id), "\x00\x00") + answer
	}
	_, _ = io.Copy(c, bytes.NewReader([]byte(answer)))
	_, _ = io.Copy(io.Discard, c)
}
