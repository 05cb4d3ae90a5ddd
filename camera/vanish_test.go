// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/netns"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// A camera whose host vanishes without a word is noticed, during a connection and
// when connecting, and so is its return.
func TestCameraVanishes(t *testing.T) {
	c := netns.New(t)
	camera := startCamera(t, testcamera.Config{Address: netns.CameraIP + ":8554", Listen: c.Listen})
	open := func(timeout time.Duration) (session *Session, err error) {
		err = netns.In(c.Recorder, func() error {
			session, err = Open(t.Context(), Config{URL: camera.URL(), SocketTimeout: timeout})
			return err
		})
		return session, err
	}
	session, err := open(2 * time.Second) // enough for a busy machine
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	read(t, session, 1)
	c.Pull()
	if err := nextError(t, session); err.Error() != "read frame: no answer within 2s" {
		t.Errorf("got %q", err)
	}
	session.Close()
	if _, err := open(500 * time.Millisecond); err == nil || err.Error() != "open "+camera.URL()+": no answer within 500ms" {
		t.Errorf("got %v", err)
	}
	// With more patience, the network says that there is nobody, unless that takes longer
	// than an attempt.
	if _, err := open(time.Minute); !errors.Is(err, syscall.EHOSTUNREACH) && !strings.HasSuffix(fmt.Sprint(err), "no answer within 3s") {
		t.Errorf("got %v", err)
	}
	c.Plug()
	// The neighbour is not forgotten as having failed at once.
	wait.Until(t, "the camera to be reached again", func() bool {
		session, err = open(time.Minute)
		return err == nil
	})
	defer session.Close()
	read(t, session, 1)
}
