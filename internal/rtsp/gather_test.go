// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"net"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stamped are the control messages of what the kernel has received at a time.
func stamped(at time.Time) []byte {
	stamp := unix.NsecToTimespec(at.UnixNano())
	size := int(unsafe.Sizeof(stamp))
	control := make([]byte, unix.CmsgSpace(size))
	header := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	header.Level, header.Type = unix.SOL_SOCKET, unix.SCM_TIMESTAMPNS
	header.SetLen(unix.CmsgLen(size))
	*(*unix.Timespec)(unsafe.Pointer(&control[unix.CmsgLen(0)])) = stamp
	return control
}

// TestArrival ensures that what has waited in a socket counts as of when it came, however
// long nobody has read it, and that a clock on the wall that was set meanwhile is not
// believed.
func TestArrival(t *testing.T) {
	for name, test := range map[string]struct {
		// stamp and emptied are so long ago; suspended is for how long the machine was.
		stamp, emptied, suspended time.Duration
		want                      time.Duration
	}{
		"at once":                       {100 * time.Millisecond, 200 * time.Millisecond, 0, 100 * time.Millisecond},
		"the process was stopped":       {140 * time.Second, 141 * time.Second, 0, 140 * time.Second},
		"the machine was suspended":     {140 * time.Second, 200 * time.Millisecond, 141 * time.Second, 140 * time.Second},
		"the clock was set forward":     {140 * time.Second, 200 * time.Millisecond, 0, 0},
		"the clock was set back":        {-140 * time.Second, 200 * time.Millisecond, 0, 0},
		"it was stopped, and set ahead": {time.Hour, 141 * time.Second, 0, 0},
	} {
		s := suspensions{before: suspended() - test.suspended}
		now := time.Now()
		at := arrival(stamped(now.Add(-test.stamp)), now.Add(-test.emptied), &s)
		if late := at.Sub(now.Add(-test.want)); late < -time.Millisecond || late > time.Minute {
			t.Errorf("%s: it is said to have come %v later than it has", name, late)
		}
	}
}

// TestDatagramsWait ensures that of datagrams which have waited, each counts as of when it
// came, until those are read that have not.
func TestDatagramsWait(t *testing.T) {
	w := newWaitingTime()
	w.now = time.Now().Add(-time.Hour)
	w.begin(time.Now())
	for _, age := range []time.Duration{50 * time.Minute, 49 * time.Minute, 10 * time.Minute} {
		if got := time.Since(w.arrival(stamped(time.Now().Add(-age)))); got < age || got > age+time.Minute {
			t.Errorf("what has waited for %v came %v ago", age, got)
		}
	}
	w.arrival(stamped(time.Now()))
	if w.late {
		t.Error("what comes now is late")
	}
}

// TestStampArrivals ensures that the kernel stamps datagrams.
func TestStampArrivals(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := stampDatagrams(conn); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	if _, err := conn.WriteTo([]byte("datagram"), conn.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	control := make([]byte, stampBytes)
	_, n, _, _, err := conn.ReadMsgUDPAddrPort(make([]byte, 100), control)
	if err != nil {
		t.Fatal(err)
	}
	if stamp, ok := stampOf(control[:n]); !ok || stamp.Before(before.Add(-time.Minute)) || stamp.After(time.Now().Add(time.Minute)) {
		t.Errorf("stamp %v, %v", stamp, ok)
	}
}
