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

// What libav allocates is the camera's memory: it is counted while a session lasts, whatever
// goes in and out, and released with it. Where there is too little, the session ends.
func TestLibavMemory(t *testing.T) {
	m := mux(t, testcamera.H264, testcamera.AAC, "memory.ts", "-muxdelay", "0")
	const size = 2 * sessionBytes
	memory := NewMemory(size)
	session := openSession(t, Config{URL: "file://" + m.path, Audio: true, Memory: memory})
	opened := memory.Left()
	if opened > size-sessionBytes-64<<10 || opened < size-sessionBytes-4<<20 {
		t.Errorf("%d bytes are counted", size-sessionBytes-opened)
	}
	for range 30 {
		read(t, session, 1)
		if grown := opened - memory.Left(); grown > 1<<20 || grown < -1<<20 {
			t.Fatalf("%d bytes more are counted than at first", grown)
		}
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	if memory.Left() != size {
		t.Errorf("%d bytes are missing", size-memory.Left())
	}
	if _, err := Open(t.Context(), Config{URL: "file://" + m.path, Memory: NewMemory(sessionBytes + 20_000)}); !errors.Is(err, errMemory) {
		t.Errorf("with hardly any memory: %v", err)
	}
}
