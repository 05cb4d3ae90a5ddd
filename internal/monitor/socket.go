// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/user"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/status"
)

const (
	// maxAsking bounds how many are answered at a time.
	maxAsking = 16
	// defaultAnswerTimeout is how long one of them may take to read.
	defaultAnswerTimeout = 10 * time.Second
	// closingTimeout is the same while the socket is being closed.
	closingTimeout = time.Second
	// ownerOnly and groupToo are the modes of the socket.
	ownerOnly, groupToo = 0o600, 0o660
)

// socket answers whoever connects with the report as JSON, and closes. It reads
// nothing.
type socket struct {
	listener *net.UnixListener
	path     string
	file     os.FileInfo
	answer   func() (*status.Report, error)
	log      *slog.Logger
	asking   chan struct{}
	// answerTimeout is how long one of those who ask may take to read.
	answerTimeout time.Duration
	// closing ends when Close begins, which calls close for it.
	closing context.Context
	close   context.CancelFunc
	wg      sync.WaitGroup
}

// listen makes the socket, and answers until it is closed.
func listen(o *Options, answer func() (*status.Report, error)) (*socket, error) {
	s := newSocket(o, answer)
	if err := s.open(o.SocketGroup); err != nil {
		return nil, err
	}
	return s, nil
}

func newSocket(o *Options, answer func() (*status.Report, error)) *socket {
	s := &socket{
		path: o.Socket, answer: answer, log: o.Logger, asking: make(chan struct{}, maxAsking), answerTimeout: defaultAnswerTimeout,
	}
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// open makes the socket and answers. It replaces one that a killed process has left,
// and refuses to replace one that answers, or anything else. The members of a group
// may ask as well, unless that is empty. After an error, the socket is closed.
func (s *socket) open(group string) error {
	if err := s.listen(group); err != nil {
		return fmt.Errorf("listen at %s: %w", s.path, errors.Join(err, s.Close()))
	}
	s.wg.Go(s.serve)
	return nil
}

func (s *socket) listen(group string) error {
	if err := removeStale(s.path); err != nil {
		return err
	}
	err := reach(s.path, func(path string) (err error) {
		s.listener, err = bind(path)
		return err
	})
	if err != nil {
		return err
	}
	if s.file, err = os.Lstat(s.path); err != nil || group == "" {
		return err
	}
	return admit(s.path, group)
}

// bind makes a socket that nobody but its owner can connect to, from the first
// moment on: the kernel gives the file the mode of the descriptor.
func bind(path string) (*net.UnixListener, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var chmodErr error
		err := c.Control(func(fd uintptr) { chmodErr = syscall.Fchmod(int(fd), ownerOnly) })
		return errors.Join(err, chmodErr)
	}}
	listener, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	unix := listener.(*net.UnixListener)
	unix.SetUnlinkOnClose(false) // Close does, unless it is another process's by then
	return unix, nil
}

// admit lets the members of a group connect.
func admit(path, name string) error {
	group, err := user.LookupGroup(name)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		return err
	}
	if err := os.Chown(path, -1, gid); err != nil {
		return err
	}
	return os.Chmod(path, groupToo)
}

// removeStale removes a socket at which nobody answers.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("there is something that is not a socket")
	}
	connection, err := dial(path)
	if err == nil {
		return errors.Join(errors.New("another process answers there"), connection.Close())
	}
	return os.Remove(path)
}

func (s *socket) serve() {
	for {
		connection, err := s.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.log.Warn("cannot answer a request for the status", "err", err)
			time.Sleep(time.Second) // out of descriptors, most likely
			continue
		}
		select {
		case s.asking <- struct{}{}:
			s.wg.Go(func() {
				defer func() { <-s.asking }()
				s.reply(connection)
			})
		default:
			_ = connection.Close() // too many: they will ask again
		}
	}
}

func (s *socket) reply(connection *net.UnixConn) {
	defer connection.Close()
	r, err := s.answer()
	if err != nil {
		s.log.Warn("cannot answer a request for the status", "err", err)
		return
	}
	if err := connection.SetWriteDeadline(time.Now().Add(s.answerTimeout)); err != nil {
		return
	}
	stop := context.AfterFunc(s.closing, func() { _ = connection.SetWriteDeadline(time.Now().Add(closingTimeout)) })
	defer stop()
	answer, err := json.Marshal(r)
	if err != nil {
		s.log.Warn("cannot answer a request for the status", "err", err)
		return
	}
	_, _ = connection.Write(append(printable.JSON(answer), '\n')) // whoever asked has gone
}

// Close ends all answers and removes the socket, unless another process has
// replaced it. It may be called on nil.
func (s *socket) Close() error {
	if s == nil || s.listener == nil {
		return nil
	}
	err := s.listener.Close()
	s.close()
	s.wg.Wait()
	if now, statErr := os.Lstat(s.path); statErr == nil && s.file != nil && os.SameFile(now, s.file) {
		err = errors.Join(err, os.Remove(s.path))
	}
	return err
}
