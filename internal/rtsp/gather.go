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
	// gatherBytes is how much makes it read before that: more than most cameras send meanwhile,
	// which would wake it twice. Where a socket has less memory, the kernel wakes it for less.
	gatherBytes = 128 << 10
	// stampError is by how much the clock on the wall, by which the kernel stamps what it
	// receives, and the monotonic clock may differ over the time that something waits.
	stampError = time.Second
	// stampBytes is room for the kernel's time stamp.
	stampBytes = 64
)

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
	// at is when the last byte that was read arrived, and emptied when nothing was left
	// last: what is read has arrived since.
	at, emptied time.Time
	suspensions suspensions

	// rest is what TLS has yet to take. mayWait says that it may wait for more.
	rest, buffer []byte
	mayWait      bool
	control      [stampBytes]byte
}

func newGatherer(conn *net.TCPConn) (*gatherer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &gatherer{TCPConn: conn, raw: raw}, nil
}

// start begins to gather, unless the kernel cannot tell when something arrived, as where
// processors or kernels are emulated: what came would be dated by when it was gathered.
func (g *gatherer) start() error {
	stamped, err := stampArrivals(g.raw)
	if err != nil || !stamped {
		return err
	}
	controlErr := g.raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, gatherBytes)
	})
	g.gathering, g.more = true, true
	g.emptied = time.Now()
	g.suspensions = newSuspensions()
	return errors.Join(controlErr, err)
}

// stampArrivals has the kernel stamp what a socket receives; stamped says whether it can.
func stampArrivals(socket syscall.RawConn) (stamped bool, err error) {
	controlErr := socket.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	if errors.Is(err, unix.ENOPROTOOPT) {
		return false, controlErr
	}
	return true, errors.Join(controlErr, err)
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

// readInto is Read without TLS, into memory that it asks for after the wait.
func (g *gatherer) readInto(room func() []byte) (n int, err error) {
	if !g.gathering {
		return g.Read(room())
	}
	if err := g.await(); err != nil {
		return 0, err
	}
	return g.take(room())
}

// gather waits, and reads what there is.
func (g *gatherer) gather(b []byte) (n int, err error) {
	if err := g.await(); err != nil {
		return 0, err
	}
	return g.take(b)
}

// await waits for the next gathering, unless the last one may have left something.
func (g *gatherer) await() error {
	if g.more {
		return nil
	}
	waited := false
	err := g.raw.Read(func(uintptr) bool {
		began := waited
		waited = true
		return began
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// take reads what there is.
func (g *gatherer) take(b []byte) (n int, err error) {
	before := time.Now()
	n, err = g.receive(b)
	if g.more = n == len(b); !g.more {
		g.emptied = before
		g.suspensions.settle()
	}
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
	if at := arrival(g.control[:controlBytes], g.emptied, &g.suspensions); at.After(g.at) {
		g.at = at
	}
	return n, nil
}

// arrival is when the kernel received something, after a time. It can have waited for
// long: while the process or the machine was stopped, nobody read it.
func arrival(control []byte, after time.Time, s *suspensions) time.Time {
	now := time.Now()
	stamp, ok := stampOf(control)
	if !ok {
		return now
	}
	// By the clock on the wall, which somebody may have set in between.
	age := now.Round(0).Sub(stamp)
	most := now.Sub(after) + stampError
	if age > most {
		most += s.since()
	}
	if age < 0 || age > most {
		return now
	}
	return now.Add(-age)
}

// stampOf is the time stamp among control messages.
func stampOf(control []byte) (stamp time.Time, ok bool) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return time.Time{}, false
	}
	for _, m := range messages {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_TIMESTAMPNS {
			continue
		}
		switch len(m.Data) { // a timespec
		case 16:
			return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:]))), true
		case 8:
			return time.Unix(int64(binary.NativeEndian.Uint32(m.Data)), int64(binary.NativeEndian.Uint32(m.Data[4:]))), true
		}
	}
	return time.Time{}, false
}

// suspensions tell for how long the machine was suspended since something: the monotonic
// clock stands still then.
type suspensions struct {
	before time.Duration
	looked bool
}

func newSuspensions() suspensions { return suspensions{before: suspended()} }

// since is for how long it was since it was settled last.
func (s *suspensions) since() time.Duration {
	s.looked = true
	return suspended() - s.before
}

// settle begins anew.
func (s *suspensions) settle() {
	if s.looked {
		*s = newSuspensions()
	}
}

// suspended is for how long it was since it was booted.
func suspended() time.Duration {
	var boot, monotonic unix.Timespec
	if errors.Join(unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot), unix.ClockGettime(unix.CLOCK_MONOTONIC, &monotonic)) != nil {
		return 0
	}
	return time.Duration(boot.Nano() - monotonic.Nano())
}
