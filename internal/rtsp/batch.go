// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"net"
	"slices"
	"time"

	"golang.org/x/net/ipv4"
)

const (
	// batchSize is how many datagrams are read at once at most.
	batchSize = 16
	// usualBytes is what nearly all datagrams have at most.
	usualBytes = 3 << 10
	// batchBytes is what a batch keeps, and singleBytes one of one datagram at a time.
	batchBytes  = batchSize*usualBytes + datagramBytes
	singleBytes = usualBytes + datagramBytes
)

// batch reads several datagrams with one system call (recvmmsg). Each has a buffer of the
// usual size of its own; what is longer goes on in one that all share. So there can be one
// long datagram in a batch. Where there were more, the others are lost, once: from then on,
// datagrams are read one by one.
type batch struct {
	conn     *ipv4.PacketConn // which does for IPv6 as well
	messages []ipv4.Message
	// rest is where the long datagram goes on; long is which one that is, or -1.
	rest []byte
	long int
	// waiting finds out when datagrams arrived.
	waiting *waitingTime
}

func newBatch(conn *net.UDPConn, size int) *batch {
	b := &batch{
		conn: ipv4.NewPacketConn(conn), messages: make([]ipv4.Message, size),
		rest: make([]byte, datagramBytes-usualBytes), waiting: newWaitingTime(),
	}
	for i := range b.messages {
		b.messages[i].Buffers = [][]byte{make([]byte, usualBytes), b.rest}
		b.messages[i].OOB = make([]byte, stampBytes)
	}
	return b
}

// read waits for datagrams and returns how many there are.
func (b *batch) read() (n int, err error) {
	room := len(b.messages)
	if n, err = b.conn.ReadBatch(b.messages, 0); err != nil {
		return 0, err
	}
	b.waiting.begin(time.Now())
	b.long = -1
	for i := range n {
		if b.messages[i].N <= usualBytes {
			continue
		}
		if b.long >= 0 {
			b.messages = b.messages[:1:room]
		}
		b.long = i
	}
	return n, nil
}

// datagram is the i-th one, valid until the next read; empty if it is lost. It also tells
// from where and when it came.
func (b *batch) datagram(i int) (data []byte, from *net.UDPAddr, at time.Time) {
	m := &b.messages[:cap(b.messages)][i]
	from, _ = m.Addr.(*net.UDPAddr)
	data = m.Buffers[0][:min(m.N, usualBytes)]
	switch {
	case i == b.long:
		data = slices.Concat(data, b.rest[:m.N-usualBytes])
	case m.N > usualBytes:
		data = nil
	}
	return data, from, b.waiting.arrival(m.OOB[:m.NN])
}

// waitingTime finds out when datagrams arrived, by the kernel's time stamps, as far as these
// can be true.
type waitingTime struct {
	// now is when what is looked at was read, and before when something was read before
	// that.
	now, before time.Time
	// late says that what is read has waited for longer than usual, since a time
	// at the longest.
	late        bool
	since       time.Time
	suspensions suspensions
}

func newWaitingTime() *waitingTime {
	return &waitingTime{now: time.Now(), suspensions: newSuspensions()}
}

// begin says that something was read.
func (w *waitingTime) begin(now time.Time) {
	w.before, w.now = w.now, now
	// Also by the clock on the wall: the other one stands still while the machine does.
	if pause := max(now.Sub(w.before), now.Round(0).Sub(w.before.Round(0))); pause > stampError && !w.late {
		w.late, w.since = true, w.before
	}
}

// arrival is when a datagram arrived that was read then. Unless nothing was read for some
// time, that is since the last time.
func (w *waitingTime) arrival(control []byte) time.Time {
	if w.late {
		at := arrival(control, w.since, &w.suspensions)
		if w.late = w.now.Sub(at) > stampError; !w.late {
			w.suspensions.settle()
		}
		return at
	}
	stamp, ok := stampOf(control)
	age := w.now.Round(0).Sub(stamp)
	if !ok || age < 0 || age > w.now.Sub(w.before) {
		return w.now // as it is if the clock on the wall was set
	}
	return w.now.Add(-age)
}
