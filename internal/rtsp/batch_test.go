// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// TestBatch ensures that datagrams are read several at once, whole and in their order, long
// ones included, with the times of their arrival.
func TestBatch(t *testing.T) {
	u := newUDP(netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.1"))
	conn, err := u.listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sender, err := net.DialUDP("udp", nil, conn.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	b := newBatch(conn, batchSize)
	began := time.Now()
	// exchange sends datagrams of so many bytes and returns the sizes of those that come.
	exchange := func(sizes ...int) (got []int, reads int) {
		for i, size := range sizes {
			if _, err := sender.Write(bytes.Repeat([]byte{byte(i)}, size)); err != nil {
				t.Fatal(err)
			}
		}
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		for n := 0; n < len(sizes); reads++ {
			read, err := b.read()
			if err != nil {
				t.Fatal(err)
			}
			for i := range read {
				data, from, at := b.datagram(i)
				if at.Before(began) || at.After(time.Now()) || from == nil {
					t.Errorf("it arrived at %v from %v", at, from)
				}
				if len(data) > 0 && slices.ContainsFunc(data, func(x byte) bool { return x != byte(n) }) {
					t.Errorf("datagram %d is not as it was sent", n)
				}
				got = append(got, len(data))
				n++
			}
		}
		return got, reads
	}
	many := slices.Repeat([]int{1400}, 40)
	if got, reads := exchange(many...); !slices.Equal(got, many) || reads != 3 {
		t.Errorf("got %v in %d reads", got, reads)
	}
	if got, _ := exchange(1, 60_000, usualBytes, 2); !slices.Equal(got, []int{1, 60_000, usualBytes, 2}) {
		t.Errorf("got %v", got)
	}
	if got, _ := exchange(40_000, 1, 50_000); !slices.Equal(got, []int{0, 1, 50_000}) {
		t.Errorf("of two long ones at once: got %v", got)
	}
	if got, reads := exchange(40_000, 1, 50_000); !slices.Equal(got, []int{40_000, 1, 50_000}) || reads != 3 {
		t.Errorf("got %v in %d reads", got, reads)
	}
}

// TestWaitingTime ensures that what has gathered counts as of when it came, and that a clock
// on the wall that was set meanwhile is not believed.
func TestWaitingTime(t *testing.T) {
	w := newWaitingTime()
	began := w.now
	for name, test := range map[string]struct{ age, want time.Duration }{
		"gathered":    {15 * time.Millisecond, 15 * time.Millisecond},
		"set forward": {10 * time.Second, 0},
		"set back":    {-10 * time.Second, 0},
	} {
		w.now, w.late = began, false
		w.begin(began.Add(30 * time.Millisecond))
		if got := w.now.Sub(w.arrival(stamped(w.now.Add(-test.age)))); got != test.want {
			t.Errorf("%s: it waited for %v, want %v", name, got, test.want)
		}
	}
}
