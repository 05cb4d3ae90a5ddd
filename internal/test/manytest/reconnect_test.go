// SPDX-License-Identifier: GPL-3.0-or-later

package manytest

import (
	"context"
	"net"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/recorder"
)

// counted dials as usual and counts.
func counted(attempts *atomic.Int64) func(context.Context, camera.Config) (recorder.Source, error) {
	return func(ctx context.Context, config camera.Config) (recorder.Source, error) {
		attempts.Add(1)
		session, err := camera.Open(ctx, config)
		if err != nil {
			return nil, err
		}
		return session, nil
	}
}

// settle returns what is in use once the garbage is collected.
func settle(t *testing.T) usage {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	return measure(t)
}

// TestRefusedConnections ensures that cameras which are not there for days cost
// nothing but the attempts.
func TestRefusedConnections(t *testing.T) {
	const n = 8
	warmUp, total := int64(200), int64(1_000)
	if *full {
		warmUp, total = 1_000, 10_000
	}
	urls := make([]string, n)
	for i := range urls {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		urls[i] = "rtsp://" + listener.Addr().String() + "/stream"
		listener.Close()
	}
	var attempts atomic.Int64
	r := record(t, urls, recorder.Options{Clock: impatientClock{time.Now()}, Dial: counted(&attempts)})
	wait.Until(t, "attempts", func() bool { return attempts.Load() >= warmUp })
	before := settle(t)
	wait.Until(t, "attempts", func() bool { return attempts.Load() >= warmUp+total })
	after := settle(t)
	if err := r.recorder.Close(); err != nil {
		t.Error(err)
	}
	// Each camera may be in the middle of an attempt.
	requireFlat(t, before, after, usage{residentBytes: 16 << 20, files: 2 * n, threads: 2 * n, goroutines: 4 * n})
	t.Logf("%d refused connections", attempts.Load())
}

// TestReconnections ensures that connections which end leave nothing behind, and
// that none of what they brought is lost.
func TestReconnections(t *testing.T) {
	const n = 4
	warmUp, rounds := 5, 20
	if *full {
		warmUp, rounds = 25, 250
	}
	cameras := startCameras(t, n, 5)
	r := record(t, cameras.urls, recorder.Options{Clock: impatientClock{time.Now()}})
	round := func() {
		before := r.recorder.Status()
		cameras.restart()
		wait.Until(t, "frames of each camera", func() bool {
			for i, status := range r.recorder.Status() {
				if status.Connections == before[i].Connections || status.ConnectedSince.IsZero() {
					return false
				}
			}
			return true
		})
	}
	wait.Until(t, "frames of all cameras", func() bool { return r.frames() > 0 })
	for range warmUp {
		round()
	}
	before := settle(t)
	for range rounds {
		round()
	}
	after := settle(t)
	connections := int64(0)
	for _, status := range r.recorder.Status() {
		connections += status.Connections
	}
	if err := r.recorder.Close(); err != nil {
		t.Error(err)
	}
	requireFlat(t, before, after, usage{residentBytes: 16 << 20, files: 4 * n, threads: 2 * n, goroutines: 4 * n})
	t.Logf("%d connections", connections)
}
