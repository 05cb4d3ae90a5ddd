// SPDX-License-Identifier: GPL-3.0-or-later

package mqtt

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/net/proxy"

	"github.com/moonfirefs/moonfirefs"
)

// Types of packets that a broker sends to who subscribes and never publishes (MQTT 3.1.1 §2.2.1).
const (
	packetConnAck  = 2
	packetPublish  = 3
	packetSubAck   = 9
	packetPingResp = 13
)

const (
	// maxPacketBytes bounds packets that are let through: a message with the longest topic.
	maxPacketBytes = maxMessageBytes + 1<<16 + 4
	// maxConnAckBytes is what CONNACK has, and PINGRESP no more than that.
	maxConnAckBytes = 2
)

// filter is a connection to a broker that lets through what the library can bear. The library
// believes each length that it reads, up to 256 MiB; it keeps messages with a quality of service
// that it has not asked for; and an answer to more topics than it has subscribed to ends the
// process. A message that is too long arrives without its payload; whatever else is wrong is an
// error, as if the connection were lost. It is for one reader.
type filter struct {
	net.Conn
	in *bufio.Reader
	// topics is how many are subscribed to.
	topics int
	// head is to be read before the rest of the packet, which has restBytes.
	head      []byte
	restBytes int
}

func newFilter(c net.Conn, topics int) *filter {
	return &filter{Conn: c, in: bufio.NewReader(c), topics: topics}
}

// Read reads what has passed.
func (f *filter) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(f.head) == 0 && f.restBytes == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	if len(f.head) > 0 {
		n = copy(p, f.head)
		f.head = f.head[n:]
		return n, nil
	}
	n, err = f.in.Read(p[:min(len(p), f.restBytes)])
	f.restBytes -= n
	return n, err
}

// next reads the beginning of a packet.
func (f *filter) next() error {
	first, err := f.in.ReadByte()
	if err != nil {
		return err
	}
	length, err := f.length()
	if err != nil {
		return err
	}
	if err := f.check(first, length); err != nil {
		return err
	}
	f.head, f.restBytes = binary.AppendUvarint([]byte{first}, uint64(length)), length
	if length > maxPacketBytes {
		return f.shorten(first, length)
	}
	return nil
}

// length reads how many bytes the rest of a packet has (§2.2.3): a number of four bytes at most,
// as binary.Uvarint has it.
func (f *filter) length() (int, error) {
	var length int
	for shift := 0; shift < 28; shift += 7 {
		b, err := f.in.ReadByte()
		if err != nil {
			return 0, unexpected(err)
		}
		length |= int(b&0x7f) << shift
		if b < 0x80 {
			return length, nil
		}
	}
	return 0, moonfirefs.Errorf(moonfirefs.ErrInvalid, "the broker's packet has a length of more than four bytes")
}

// check refuses packets that the library must not see.
func (f *filter) check(first byte, length int) error {
	kind, most := first>>4, maxConnAckBytes
	switch kind {
	case packetConnAck, packetPingResp:
	case packetSubAck:
		most = 2 + f.topics
	case packetPublish:
		if first>>1&3 > atLeastOnce {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "the broker's message has a quality of service that was not asked for")
		}
		return nil
	default:
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "the broker sends packets of type %d", kind)
	}
	if length > most {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "the broker's packet of type %d has %d bytes, more than %d", kind, length, most)
	}
	return nil
}

// shorten lets through the topic of a message, and its number if it has one, and skips the rest.
func (f *filter) shorten(first byte, length int) error {
	size, err := f.in.Peek(2)
	if err != nil {
		return unexpected(err)
	}
	bodyBytes := 2 + int(binary.BigEndian.Uint16(size))
	if first>>1&3 > 0 {
		bodyBytes += 2
	}
	body := make([]byte, bodyBytes)
	if _, err := io.ReadFull(f.in, body); err != nil {
		return unexpected(err)
	}
	f.head, f.restBytes = append(binary.AppendUvarint([]byte{first}, uint64(len(body))), body...), 0
	_, err = io.CopyN(io.Discard, f.in, int64(length-len(body)))
	return unexpected(err)
}

// unexpected is the error for a packet that ends too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// opener returns what opens connections for the library.
func opener(topics int) paho.OpenConnectionFunc {
	return func(u *url.URL, o paho.ClientOptions) (net.Conn, error) {
		c, err := open(u, &o)
		if err != nil {
			return nil, err
		}
		return newFilter(c, topics), nil
	}
}

// open opens a connection as the library would, which has a handshake take any time.
func open(u *url.URL, o *paho.ClientOptions) (net.Conn, error) {
	if u.Scheme == "ws" || u.Scheme == "wss" {
		return paho.NewWebsocket(u.String(), o.TLSConfig, o.ConnectTimeout, o.HTTPHeaders, o.WebsocketOptions)
	}
	c, err := proxy.FromEnvironmentUsing(&net.Dialer{Timeout: o.ConnectTimeout}).Dial("tcp", u.Host)
	if err != nil || u.Scheme != "ssl" {
		return c, err
	}
	config := o.TLSConfig.Clone()
	config.ServerName = u.Hostname()
	secure := tls.Client(c, config)
	err = secure.SetDeadline(time.Now().Add(o.ConnectTimeout))
	if err == nil {
		err = secure.Handshake()
	}
	if err != nil {
		_ = c.Close() // it is of no use
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return secure, nil
}
