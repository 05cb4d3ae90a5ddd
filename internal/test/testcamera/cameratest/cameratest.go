// SPDX-License-Identifier: GPL-3.0-or-later

// Package cameratest gives tests cameras that end with them.
package cameratest

import (
	"net"
	"sync"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// Start starts a camera.
func Start(t *testing.T, config testcamera.Config) *testcamera.Camera {
	t.Helper()
	camera, err := testcamera.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := camera.Close(); err != nil {
			t.Error(err)
		}
	})
	return camera
}

// Encode makes media; see testcamera.Encode.
func Encode(t *testing.T, p testcamera.Params, frames int) *testcamera.Media {
	t.Helper()
	media, err := testcamera.Encode(t.Context(), p, frames)
	if err != nil {
		t.Fatal(err)
	}
	return media
}

// Listen accepts connections on loopback, and lets serve handle each: a camera that
// is none. It returns the address.
func Listen(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		connections.Wait()
	})
	return listener.Addr().String()
}
