// SPDX-License-Identifier: GPL-3.0-or-later

package manytest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// Commands that the process with the cameras takes, a line each. It answers each
// with a line of JSON.
const (
	// stallCommand makes all cameras send nothing more, and tells what they sent.
	stallCommand = "stall"
	// restartCommand drops all connections of all cameras.
	restartCommand = "restart"
)

// sent is what a camera has sent.
type sent struct {
	// Runs counts the connections, Counters has the frames' numbers in the media.
	Runs     int
	Counters []int
}

// serveCameras is the other process. It ends when its input does.
func serveCameras(what string, in io.Reader, out io.Writer) error {
	var n, gop int
	if _, err := fmt.Sscan(what, &n, &gop); err != nil {
		return err
	}
	media, err := newMedia(context.Background(), gop)
	if err != nil {
		return err
	}
	all := make([]*testcamera.Camera, n)
	urls := make([]string, n)
	for i := range all {
		// The key frames of real cameras do not coincide.
		time.Sleep(time.Duration(gop) * time.Second / 25 / time.Duration(n))
		if all[i], err = testcamera.Start(testcamera.Config{Source: media}); err != nil {
			return err
		}
		urls[i] = all[i].URL()
	}
	answers := json.NewEncoder(out)
	if err := answers.Encode(urls); err != nil {
		return err
	}
	commands := bufio.NewScanner(in)
	for commands.Scan() {
		answer, err := obey(commands.Text(), all)
		if err != nil {
			return err
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

func obey(command string, all []*testcamera.Camera) (any, error) {
	switch command {
	case stallCommand:
		for _, camera := range all {
			camera.Stall()
		}
		time.Sleep(2 * time.Second) // until all is out
		var answer []sent
		for _, camera := range all {
			answer = append(answer, sentBy(camera))
		}
		return answer, nil
	case restartCommand:
		for _, camera := range all {
			if err := camera.Restart(); err != nil {
				return nil, err
			}
		}
		return true, nil
	}
	return nil, fmt.Errorf("unknown command %q", command)
}

func sentBy(camera *testcamera.Camera) (s sent) {
	for _, frame := range camera.Sent() {
		s.Runs = frame.Run
		s.Counters = append(s.Counters, frame.Counter)
	}
	return s
}

// cameras is that process, seen from the tests.
type cameras struct {
	t       *testing.T
	urls    []string
	in      io.WriteCloser
	answers *json.Decoder
}

// startCameras starts it. The test's end ends it.
func startCameras(t *testing.T, n, gop int) *cameras {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d", beCameras, n, gop))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	c := &cameras{t: t, in: in, answers: json.NewDecoder(out)}
	c.answer(&c.urls)
	return c
}

func (c *cameras) answer(to any) {
	c.t.Helper()
	if err := c.answers.Decode(to); err != nil {
		c.t.Fatal(err)
	}
}

// stall returns what was sent, and nothing is thereafter.
func (c *cameras) stall() (all []sent) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, stallCommand+"\n"); err != nil {
		c.t.Fatal(err)
	}
	c.answer(&all)
	return all
}

func (c *cameras) restart() {
	c.t.Helper()
	if _, err := io.WriteString(c.in, restartCommand+"\n"); err != nil {
		c.t.Fatal(err)
	}
	var done bool
	c.answer(&done)
}
