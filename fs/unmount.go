// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/internal/mountpoint"
)

// closeGrace is how long Close waits for a mount that it has cut off.
const closeGrace = 3 * time.Second

// Close unmounts, and waits until no request is being served. Where programs
// still use the mount it is detached all the same, and they get errors. Close is
// idempotent.
func (m *Mount) Close() error {
	m.closeOnce.Do(func() { m.closeErr = m.close() })
	return m.closeErr
}

func (m *Mount) close() error {
	err := m.unmount()
	select {
	case <-m.done:
		return err
	case <-time.After(closeGrace):
		return errors.Join(err, fmt.Errorf("unmount %s: the kernel has not let go of it", m.path))
	}
}

// unmount takes the mount out of the tree of files, and cuts off those who still
// use it: they would wait for ever for answers once this process has ended, were
// it not for the kernel doing the same then.
func (m *Mount) unmount() error {
	if m.gone() {
		return nil
	}
	if mounted, ok, err := mountpoint.At(m.path); err == nil && (!ok || mounted.Device != m.device) {
		m.abort() // somebody else has detached it
		return nil
	}
	// MNT_FORCE cuts the connection (Linux fuse_umount_begin), also for copies of the
	// mount in other mount namespaces, which would keep it alive. MNT_DETACH unmounts
	// although the mount is in use.
	if err := mountpoint.Detach(m.path, unix.MNT_FORCE|unix.MNT_DETACH); err != nil && !m.gone() {
		return fmt.Errorf("unmount %s: %w", m.path, err)
	}
	m.abort() // for fusermount3, which does not force
	return nil
}

func (m *Mount) gone() bool {
	select {
	case <-m.done:
		return true
	default:
		return false
	}
}

// abort cuts the connection to the kernel.
func (m *Mount) abort() {
	if err := mountpoint.Abort(m.device); err != nil {
		m.log.Debug("connection to the kernel cannot be cut", "err", err)
	}
}
