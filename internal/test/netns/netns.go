// SPDX-License-Identifier: GPL-3.0-or-later

// Package netns lays a network cable between two network namespaces, for tests of
// what happens when it is pulled, and of what a network would be needed for. It
// needs root and iproute2. Nothing of it touches the machine's own network.
package netns

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Addresses of the two ends (RFC 5737).
const (
	RecorderIP = "192.0.2.1"
	CameraIP   = "192.0.2.2"
)

// Device is the name of the network interface at both ends.
const Device = "veth0"

// Cable connects two network namespaces, in which there is nothing else.
type Cable struct {
	t *testing.T
	// Recorder and Camera are the names of the namespaces.
	Recorder, Camera string
}

// New lays a cable, and takes it up when the test ends.
func New(t *testing.T) *Cable {
	t.Helper()
	name := fmt.Sprintf("moonfire%d", os.Getpid())
	c := &Cable{t: t, Recorder: name + "r", Camera: name + "c"}
	for _, namespace := range []string{c.Recorder, c.Camera} {
		c.ip("netns", "add", namespace)
		t.Cleanup(func() { c.ip("netns", "del", namespace) })
	}
	c.ip("link", "add", Device, "netns", c.Recorder, "type", "veth", "peer", "name", Device, "netns", c.Camera)
	for namespace, address := range map[string]string{c.Recorder: RecorderIP, c.Camera: CameraIP} {
		c.ip("-n", namespace, "address", "add", address+"/24", "dev", Device)
		c.ip("-n", namespace, "link", "set", "lo", "up")
		c.ip("-n", namespace, "link", "set", Device, "up")
	}
	return c
}

func (c *Cable) ip(args ...string) {
	c.t.Helper()
	if output, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		c.t.Fatalf("ip %v: %v: %s", args, err, output)
	}
}

// Pull takes the plug out at the camera's side: nobody gets a FIN or an RST.
func (c *Cable) Pull() { c.ip("-n", c.Camera, "link", "set", Device, "down") }

// Plug puts it in again.
func (c *Cable) Plug() { c.ip("-n", c.Camera, "link", "set", Device, "up") }

// In calls f in a namespace; the sockets that f itself makes stay there.
func In(namespace string, f func() error) error {
	result := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		result <- func() error {
			file, err := os.Open(path(namespace))
			if err != nil {
				return err
			}
			defer file.Close()
			if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
			return f()
		}()
	}()
	return <-result
}

// Listen is net.Listen at the camera's end.
func (c *Cable) Listen(network, address string) (listener net.Listener, err error) {
	err = In(c.Camera, func() error {
		listener, err = net.Listen(network, address)
		return err
	})
	return listener, err
}

// Command runs a program at the recorder's end.
func (c *Cable) Command(name string, args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"--net=" + path(c.Recorder), name}, args...)...)
}

func path(namespace string) string { return "/run/netns/" + namespace }
