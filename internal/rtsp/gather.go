// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// gatherEvery is the distance of the moments at which what has arrived is read. It is
	// no multiple of the distance of frames, so that the last frame before such a
	// moment, whose arrival is known best, is now this one and now that one.
	gatherEvery = 187 * time.Millisecond
	// gatherBytes is how much makes it read before that.
	gatherBytes = 48 << 10
	// maxReadAge bounds what is believed of how long ago something arrived.
	maxReadAge = 30 * time.Second
)

// epoch is when the process began. All connections read at the same moments, so that the
// process wakes once for all of them.
var epoch = time.Now()

// nextGathering is the next of those moments.
func nextGathering(now time.Time) time.Time {
	return now.Add(gatherEvery - now.Sub(epoch)%gatherEvery)
}

// gatherer reads a TCP connection. While it gathers, it lets pass some time or some
// bytes before each read: the kernel wakes nobody for less (SO_RCVLOWAT). It tells when
// the last byte of a read arrived, by the kernel's own time stamp.
type gatherer struct {
	*net.TCPConn
	raw syscall.RawConn

	// gathering is set once the camera plays.
	gathering bool
	// more says that the last read may have left something.
	more bool
	// at is when the last byte that was read arrived.
	at time.Time

	// rest is what TLS has yet to take. mayWait says that it may wait for more.
	rest, buffer []byte
	mayWait      bool
	control      [64]byte
}

func newGatherer(conn *net.TCPConn) (*gatherer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &gatherer{TCPConn: conn, raw: raw}, nil
}

// start begins to gather.
func (g *gatherer) start() error {
	var err error
	controlErr := g.raw.Control(func(fd uintptr) {
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, gatherBytes),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1))
	})
	g.gathering, g.more = true, true
	return errors.Join(controlErr, err)
}

// stop ends it.
func (g *gatherer) stop() {
	if !g.gathering {
		return
	}
	g.gathering = false
	_ = g.raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, 1)
	})
}

// unsent is how much has been sent that the other end has not acknowledged.
func (g *gatherer) unsent() (n int) {
	_ = g.raw.Control(func(fd uintptr) {
		n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	})
	return n
}

// Read waits for the next gathering, and returns os.ErrDeadlineExceeded if nothing has
// arrived by then. The read deadline must not be before it, unless the connection was
// interrupted. TLS reads through it as well, without waiting twice.
func (g *gatherer) Read(b []byte) (n int, err error) {
	switch {
	case !g.gathering:
		n, err = g.TCPConn.Read(b)
		g.at = time.Now()
		return n, err
	case g.buffer == nil:
		return g.gather(b)
	}
	if len(g.rest) == 0 {
		if !g.mayWait {
			return 0, os.ErrDeadlineExceeded
		}
		g.mayWait = false
		if n, err = g.gather(g.buffer); err != nil {
			return 0, err
		}
		g.rest = g.buffer[:n]
	}
	n = copy(b, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// gather waits, and reads what there is.
func (g *gatherer) gather(b []byte) (n int, err error) {
	if !g.more {
		waited := false
		err := g.raw.Read(func(uintptr) bool {
			began := waited
			waited = true
			return began
		})
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
	}
	n, err = g.receive(b)
	g.more = n == len(b)
	return n, err
}

// receive reads what there is.
func (g *gatherer) receive(b []byte) (n int, err error) {
	var controlBytes int
	controlErr := g.raw.Control(func(fd uintptr) {
		for {
			n, controlBytes, _, _, err = unix.Recvmsg(int(fd), b, g.control[:], unix.MSG_DONTWAIT)
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
	switch {
	case controlErr != nil:
		return 0, controlErr
	case errors.Is(err, unix.EAGAIN):
		return 0, os.ErrDeadlineExceeded
	case err != nil:
		return 0, os.NewSyscallError("recvmsg", err)
	case n == 0:
		return 0, io.EOF
	}
	if at := arrival(g.control[:controlBytes], time.Now()); at.After(g.at) {
		g.at = at
	}
	return n, nil
}

// arrival is when the kernel received something, by the monotonic clock.
func arrival(control []byte, now time.Time) time.Time {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return now
	}
	for _, m := range messages {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_TIMESTAMPNS {
			continue
		}
		var stamp time.Time
		switch len(m.Data) { // a timespec
		case 16:
			stamp = time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		case 8:
			stamp = time.Unix(int64(binary.NativeEndian.Uint32(m.Data)), int64(binary.NativeEndian.Uint32(m.Data[4:])))
		default:
			return now
		}
		// By the clock on the wall, which somebody may have set in between.
		if age := now.Round(0).Sub(stamp); age > 0 && age < maxReadAge {
			return now.Add(-age)
		}
	}
	return now
}
