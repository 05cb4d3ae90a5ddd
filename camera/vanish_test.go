package camera

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	moonfire "github.com/moonfirefs/moonfire"
	"github.com/moonfirefs/moonfire/internal/testcamera"
)

// cable connects two network namespaces, in which there is nothing else.
type cable struct {
	t                  *testing.T
	recorder, camera   string // names of the namespaces
	recorderIP, device string
	cameraIP           string
}

// newCable lays a cable, and takes it up when the test ends.
func newCable(t *testing.T) *cable {
	t.Helper()
	name := fmt.Sprintf("moonfire%d", os.Getpid())
	c := &cable{t: t, recorder: name + "r", camera: name + "c", device: "veth0", recorderIP: "192.0.2.1", cameraIP: "192.0.2.2"}
	for _, namespace := range []string{c.recorder, c.camera} {
		c.ip("netns", "add", namespace)
		t.Cleanup(func() { c.ip("netns", "del", namespace) })
	}
	c.ip("link", "add", c.device, "netns", c.recorder, "type", "veth", "peer", "name", c.device, "netns", c.camera)
	for namespace, address := range map[string]string{c.recorder: c.recorderIP, c.camera: c.cameraIP} {
		c.ip("-n", namespace, "address", "add", address+"/24", "dev", c.device)
		c.ip("-n", namespace, "link", "set", "lo", "up")
		c.ip("-n", namespace, "link", "set", c.device, "up")
	}
	return c
}

func (c *cable) ip(args ...string) {
	c.t.Helper()
	if output, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		c.t.Fatalf("ip %v: %v: %s", args, err, output)
	}
}

// pull takes the plug out at the camera's side: nobody gets a FIN or an RST.
func (c *cable) pull() { c.ip("-n", c.camera, "link", "set", c.device, "down") }

func (c *cable) plug() { c.ip("-n", c.camera, "link", "set", c.device, "up") }

// in calls f in a network namespace; the sockets that f makes stay there.
func (c *cable) in(namespace string, f func() error) error {
	result := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		result <- func() error {
			file, err := os.Open("/run/netns/" + namespace)
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

// A camera whose host vanishes without a word is noticed, during a connection and
// when connecting, and so is its return.
func TestCameraVanishes(t *testing.T) {
	c := newCable(t)
	camera := startCamera(t, testcamera.Config{
		Address: c.cameraIP + ":8554",
		Listen: func(network, address string) (listener net.Listener, err error) {
			err = c.in(c.camera, func() error {
				listener, err = net.Listen(network, address)
				return err
			})
			return listener, err
		},
	})
	open := func(timeout time.Duration) (session *Session, err error) {
		err = c.in(c.recorder, func() error {
			session, err = Open(t.Context(), Config{URL: camera.URL(), Transport: moonfire.TCP, SocketTimeout: timeout})
			return err
		})
		return session, err
	}
	session, err := open(500 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	read(t, session, 1)
	c.pull()
	if err := nextError(t, session); err.Error() != "read frame: no answer within 500ms" {
		t.Errorf("got %q", err)
	}
	session.Close()
	if _, err := open(500 * time.Millisecond); err == nil || err.Error() != "open "+camera.URL()+": no answer within 500ms" {
		t.Errorf("got %v", err)
	}
	// With more patience, the network says that there is nobody.
	if _, err := open(time.Minute); !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Errorf("got %v", err)
	}
	c.plug()
	// The neighbour is not forgotten as having failed at once.
	for deadline := time.Now().Add(time.Minute); ; {
		if session, err = open(time.Second); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	defer session.Close()
	read(t, session, 1)
}
