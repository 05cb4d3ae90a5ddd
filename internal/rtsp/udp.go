// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

const (
	// udpPortTries is how often a pair of ports is looked for.
	udpPortTries = 64
	// udpBufferBytes is what the kernel is asked to keep of what has arrived: a large
	// key frame comes in a burst.
	udpBufferBytes = 4 << 20
)

// udp has the sockets of a session whose packets come by UDP: two for each stream, each
// with a goroutine that takes what the camera sends, and only the camera.
type udp struct {
	local, camera netip.Addr
	sockets       []*net.UDPConn
	readers       sync.WaitGroup

	mu sync.Mutex // guards the following
	// waiting are packets that have arrived, and bytes is what they take. What there is
	// no room for is lost.
	waiting []Packet
	bytes   int
}

func newUDP(local, camera netip.Addr) *udp {
	return &udp{local: local.Unmap(), camera: camera.Unmap()}
}

// open opens two neighbouring ports, an even one and the next (RFC 3550 §11), whose
// packets are those of a stream.
func (u *udp) open(media int) (port int, err error) {
	for range udpPortTries {
		var first, second *net.UDPConn
		if first, err = u.listen(0); err != nil {
			return 0, err
		}
		port = first.LocalAddr().(*net.UDPAddr).Port
		if second, err = u.listen(port ^ 1); err != nil {
			first.Close()
			continue
		}
		if port&1 == 1 {
			first, second, port = second, first, port^1
		}
		u.start(first, Packet{Media: media})
		u.start(second, Packet{Media: media, Control: true})
		return port, nil
	}
	return 0, fmt.Errorf("find two UDP ports: %w", err)
}

func (u *udp) listen(port int) (*net.UDPConn, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(u.local, uint16(port))))
	if err == nil {
		_ = conn.SetReadBuffer(udpBufferBytes) // as much as the kernel allows
		err = stampDatagrams(conn)
	}
	return conn, err
}

// stampDatagrams has the kernel stamp what a socket receives. Without stamps, a datagram counts
// as of when it is read.
func stampDatagrams(conn syscall.Conn) error {
	raw, err := conn.SyscallConn()
	if err == nil {
		_, err = stampArrivals(raw)
	}
	return err
}

// start begins to read a socket; its packets are like a model. Reports come one by one.
func (u *udp) start(conn *net.UDPConn, model Packet) {
	u.sockets = append(u.sockets, conn)
	batch := newBatch(conn, batchSize)
	if model.Control {
		batch = newBatch(conn, 1)
	}
	u.readers.Go(func() {
		for {
			n, err := batch.read()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			for i := range n { // none after an ICMP error
				data, from, at := batch.datagram(i)
				if len(data) == 0 || from == nil || from.AddrPort().Addr().Unmap() != u.camera {
					continue // lost, empty, or a stranger's
				}
				model.Data, model.Arrived = data, at
				u.add(&model)
			}
		}
	})
}

func (u *udp) add(p *Packet) {
	u.mu.Lock()
	defer u.mu.Unlock()
	size := len(p.Data) + 64
	if u.bytes+size > maxWaitingBytes {
		return
	}
	kept := *p
	kept.Data = append([]byte(nil), p.Data...)
	u.waiting = append(u.waiting, kept)
	u.bytes += size
}

// take returns what has arrived.
func (u *udp) take() []Packet {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.waiting
	u.waiting, u.bytes = nil, 0
	return taken
}

// send sends a packet to a port of the camera's.
func (u *udp) send(socket int, data []byte, port int) error {
	if port <= 0 || port > 1<<16-1 {
		return nil // the camera has not told it
	}
	_, err := u.sockets[socket].WriteToUDPAddrPort(data, netip.AddrPortFrom(u.camera, uint16(port)))
	return err
}

// close closes the sockets and waits for their readers.
func (u *udp) close() {
	for _, socket := range u.sockets {
		socket.Close()
	}
	u.readers.Wait()
}
