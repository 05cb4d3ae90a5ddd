// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxConnect bounds an attempt to connect, of which the kernel repeats the first packet
// more and more rarely: a new attempt finds a camera that is back sooner.
const maxConnect = 3 * time.Second

// wire is the TCP connection to a camera, encrypted or not.
type wire struct {
	tcp      *net.TCPConn
	gatherer *gatherer
	// tls is nil if the connection is not encrypted.
	tls *tls.Conn
	// requests is the connection on which we send, where that is another one; else nil.
	requests *tunnel

	mu sync.Mutex // guards the following
	// cause is why the connection was interrupted; nil if it has not been.
	cause error
	// closing says that we are saying goodbye: interrupting comes too late.
	closing bool
}

// dialWire connects to an address. Where certificate is not nil, the connection is
// encrypted.
func dialWire(ctx context.Context, address string, certificate *Certificate, timeout time.Duration) (*wire, error) {
	tcp, err := dialTCP(ctx, address, timeout)
	if err != nil {
		return nil, err
	}
	w := &wire{tcp: tcp}
	if w.gatherer, err = newGatherer(w.tcp); err != nil {
		w.tcp.Close()
		return nil, fmt.Errorf("set up the connection: %w", err)
	}
	if certificate == nil {
		return w, nil
	}
	w.gatherer.buffer = make([]byte, bufferBytes)
	if w.tls, err = encrypt(ctx, w.gatherer, address, certificate, timeout); err != nil {
		w.tcp.Close()
		return nil, err
	}
	return w, nil
}

// dialTCP connects to an address.
func dialTCP(ctx context.Context, address string, timeout time.Duration) (*net.TCPConn, error) {
	dialer := net.Dialer{Timeout: min(timeout, maxConnect)}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, dialError(ctx, err, dialer.Timeout)
	}
	return conn.(*net.TCPConn), nil
}

// encrypt does the handshake on a connection to an address.
func encrypt(ctx context.Context, conn net.Conn, address string, certificate *Certificate, timeout time.Duration) (*tls.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	encrypted := tls.Client(conn, certificate.config(host))
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return nil, dialError(ctx, fmt.Errorf("encrypt the connection: %w", err), timeout)
	}
	return encrypted, nil
}

// dialError says why there is no connection.
func dialError(ctx context.Context, err error, timeout time.Duration) error {
	var network net.Error
	switch cause := context.Cause(ctx); {
	case cause != nil && !errors.Is(cause, context.DeadlineExceeded):
		return cause
	case errors.As(err, &network) && network.Timeout():
		return &NoAnswerError{Within: timeout}
	}
	return err
}

// fingerprint is the SHA-256 of the camera's certificate in hexadecimal; empty if the
// connection is not encrypted.
func (w *wire) fingerprint() string {
	if w.tls == nil {
		return ""
	}
	certificates := w.tls.ConnectionState().PeerCertificates
	if len(certificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(certificates[0].Raw)
	return hex.EncodeToString(sum[:])
}

// stop makes the present call and all later ones return. Of several causes the first
// one counts.
func (w *wire) stop(cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cause == nil {
		w.cause = cause
	}
	if !w.closing {
		w.setDeadline(time.Unix(1, 0))
	}
}

// setDeadline is called with w.mu held. It fails only where nothing waits any more.
func (w *wire) setDeadline(at time.Time) {
	_ = w.tcp.SetDeadline(at)
	if w.requests != nil {
		_ = w.requests.tcp.SetDeadline(at)
	}
}

// stopped returns the cause, or nil.
func (w *wire) stopped() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cause
}

// goodbye lets the last calls through, until a deadline.
func (w *wire) goodbye(until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closing = true
	w.gatherer.stop()
	w.setDeadline(until)
}

// waitUntil sets when a read or a write gives up. It returns why not to begin.
func (w *wire) waitUntil(set func(time.Time) error, until time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closing:
		return nil
	case w.cause != nil:
		return w.cause
	}
	return set(until)
}

// read waits until something has arrived, or until a time, and then returns
// os.ErrDeadlineExceeded. It also tells when the last of what it returns arrived. room is where
// that goes; it is asked for after the wait while the connection is gathered, unless it is
// encrypted.
func (w *wire) read(room func() []byte, until time.Time) (n int, at time.Time, err error) {
	if err := w.waitUntil(w.tcp.SetReadDeadline, until); err != nil {
		return 0, time.Time{}, err
	}
	if w.tls == nil {
		n, err = w.gatherer.readInto(room)
	} else {
		n, err = w.readTLS(room())
	}
	if cause := w.stopped(); cause != nil && errors.Is(err, os.ErrDeadlineExceeded) && !w.closing {
		err = cause
	}
	return n, w.gatherer.at, err
}

// readTLS reads what the gatherer has, record by record.
func (w *wire) readTLS(b []byte) (n int, err error) {
	w.gatherer.mayWait = true
	for n < len(b) {
		var part int
		part, err = w.tls.Read(b[n:])
		n += part
		if err != nil {
			break
		}
		if !w.gatherer.gathering {
			return n, nil
		}
	}
	if n > 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return n, err
}

// drain reads what has arrived, after an interruption, without waiting.
func (w *wire) drain(b []byte) (n int, at time.Time) {
	if !w.gatherer.gathering {
		return 0, time.Time{}
	}
	w.gatherer.more = true
	if w.tls == nil {
		n, _ = w.gatherer.Read(b)
	} else {
		n, _ = w.readTLS(b)
	}
	return n, w.gatherer.at
}

// write sends a message whole.
func (w *wire) write(b []byte, timeout time.Duration) error {
	if err := w.waitUntil(w.sending().SetWriteDeadline, time.Now().Add(timeout)); err != nil {
		return err
	}
	var err error
	switch {
	case w.requests != nil:
		err = w.requests.send(b)
	case w.tls != nil:
		_, err = w.tls.Write(b)
	default:
		_, err = w.tcp.Write(b)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		if cause := w.stopped(); cause != nil {
			return cause
		}
		return &NoAnswerError{Within: timeout}
	}
	if isReset(err) {
		return ErrHungUp
	}
	return err
}

// sending is the connection on which we send.
func (w *wire) sending() *net.TCPConn {
	if w.requests != nil {
		return w.requests.tcp
	}
	return w.tcp
}

// unsent is how much has been sent that the other end has not acknowledged.
func (w *wire) unsent() (n int) {
	raw, err := w.sending().SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	})
	return n
}

func (w *wire) close() {
	_ = w.tcp.Close()
	if w.requests != nil {
		_ = w.requests.tcp.Close()
	}
}

// Certificate says how the certificate of a camera is verified where the connection is
// encrypted (rtsps). The zero value does not verify it: cameras sign their own.
type Certificate struct {
	// Roots says that it must be signed by an authority that this machine trusts, for
	// the host's name.
	Roots bool
	// Fingerprint, if not empty, is the SHA-256 that it must have.
	Fingerprint []byte
}

// FingerprintError says that a camera has another certificate than it should.
type FingerprintError struct{ Want, Got []byte }

func (e *FingerprintError) Error() string {
	return fmt.Sprintf("the camera has a certificate with the fingerprint %x, not %x", e.Got, e.Want)
}

func (c *Certificate) config(host string) *tls.Config {
	// Cameras are old: whatever is encrypted at all is better than what is not.
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS10}
	if c.Roots {
		config.MinVersion = tls.VersionTLS12
		return config
	}
	config.InsecureSkipVerify = true
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		config.CipherSuites = append(config.CipherSuites, suite.ID)
	}
	if len(c.Fingerprint) > 0 {
		config.VerifyConnection = func(state tls.ConnectionState) error {
			got := sha256.Sum256(state.PeerCertificates[0].Raw)
			if !bytes.Equal(got[:], c.Fingerprint) {
				return &FingerprintError{Want: c.Fingerprint, Got: got[:]}
			}
			return nil
		}
	}
	return config
}
