// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/status"
)

// ErrNoRecorder is returned when no recorder of the store runs.
var ErrNoRecorder = errors.New("no recorder is running")

// socketName is that of the socket in the directory of a store.
const socketName = "status.sock"

// SocketPath is where the recorder of the store in the directory path answers.
func SocketPath(path string) string { return filepath.Join(path, socketName) }

// askTimeout is how long a recorder may take to answer. What hangs in it is the
// disk of the index.
const askTimeout = 15 * time.Second

// maxReportBytes is more than the report on a thousand cameras has: the socket may be
// somebody else's.
const maxReportBytes = 16 << 20

// Ask asks the recorder of the store in the directory path how it is doing. The
// error wraps ErrNoRecorder if there is none.
func Ask(path string) (*status.Report, error) {
	connection, err := dial(SocketPath(path))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("ask for the status of %s: %w", path, ErrNoRecorder)
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the status: %w", err)
	}
	defer connection.Close()
	if err := connection.SetReadDeadline(time.Now().Add(askTimeout)); err != nil {
		return nil, fmt.Errorf("ask for the status: %w", err)
	}
	r := new(status.Report)
	if err := json.NewDecoder(io.LimitReader(connection, maxReportBytes)).Decode(r); err != nil {
		return nil, fmt.Errorf("ask for the status: the recorder does not answer: %w", err)
	}
	return r, nil
}

func dial(path string) (connection net.Conn, err error) {
	err = reach(path, func(path string) (err error) {
		connection, err = net.Dial("unix", path)
		return err
	})
	return connection, err
}

// maxSocketPath is the longest path that fits into an address (unix(7)).
const maxSocketPath = 107

// reach calls fn with a path that leads to the same file and is short enough for
// the address of a socket.
func reach(path string, fn func(path string) error) error {
	if len(path) <= maxSocketPath {
		return fn(path)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return fn(fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)))
}
