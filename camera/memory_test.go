// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"errors"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// Take leaves what it must, and a share cannot release more than it has.
func TestMemory(t *testing.T) {
	m := NewMemory(100)
	one, other := share{memory: m}, share{memory: m}
	if err := errors.Join(one.add(60), other.add(40)); err != nil || m.Left() != 0 {
		t.Fatalf("%d left: %v", m.Left(), err)
	}
	if err := one.add(1); !errors.Is(err, errMemory) || m.Left() != 0 {
		t.Errorf("nothing was left: %v, %d left", err, m.Left())
	}
	other.release()
	if m.Take(30, 20) || !m.Take(30, 10) || m.Left() != 10 {
		t.Errorf("%d left", m.Left())
	}
	m.Release(30)
	if err := one.add(-60); err != nil || m.Left() != 100 {
		t.Errorf("%d left: %v", m.Left(), err)
	}
}

// A session gives back all that it has taken of the camera's memory, whatever it has
// received. One for which nothing is left fails, and harms no other.
func TestSessionsShareMemory(t *testing.T) {
	audio, err := testcamera.EncodeAudio(t.Context(), testcamera.AAC, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	fake := startCamera(t, testcamera.Config{Audio: audio})
	const size = sessionBytes + UnderwayBytes
	memory := NewMemory(size)
	session := openSession(t, Config{URL: fake.URL(), Audio: true, Memory: memory})
	read(t, session, 20)
	if memory.Left() > size-sessionBytes {
		t.Errorf("%d bytes are left beside a session", memory.Left())
	}
	if _, err := Open(t.Context(), Config{URL: fake.URL(), Memory: memory}); !errors.Is(err, errMemory) {
		t.Errorf("a second session: %v", err)
	}
	read(t, session, 20)
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	if memory.Left() != size {
		t.Errorf("%d bytes are missing", size-memory.Left())
	}
}
