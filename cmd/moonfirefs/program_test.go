// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// beProgram makes the test binary the program itself. A mount must be served by
// another process than the one that reads it.
const beProgram = "MOONFIREFS_TEST_BE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(beProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// program is a moonfirefs that runs.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *syncbuffer.Buffer
	exited chan struct{}
	err    error // of the exit; valid once exited is closed
}

// start runs the program in the background. The test's end ends it.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	return startIn(t, nil, args...)
}

// startIn runs the program with variables in its environment.
func startIn(t *testing.T, variables []string, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(os.Args[0], args...), output: &syncbuffer.Buffer{}, exited: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), beProgram+"=1"), variables...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("moonfirefs %s printed:\n%s", strings.Join(args, " "), p.output)
		}
	})
	return p
}

// stop ends the program in order. It may be called more than once.
func (p *program) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	p.wait()
}

func (p *program) wait() {
	p.t.Helper()
	if _, ended := wait.Receive(p.exited); !ended {
		p.t.Errorf("moonfirefs did not end; it printed:\n%s", p.output)
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// saw waits until the program has printed a text.
func (p *program) saw(text string) {
	p.t.Helper()
	wait.Until(p.t, "moonfirefs to print "+text, func() bool { return strings.Contains(p.output.String(), text) })
}

// run runs the program to its end and returns what it printed and its exit
// status.
func run(t *testing.T, args ...string) (output string, status int) {
	t.Helper()
	var buffer bytes.Buffer
	status = execute(t.Context(), args, strings.NewReader(""), &buffer, &buffer)
	return buffer.String(), status
}

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	output, status := run(t, args...)
	if status != exitOK {
		t.Fatalf("moonfirefs %s: status %d: %s", strings.Join(args, " "), status, output)
	}
	return output
}

// newStore makes a store in a directory of its own, and requires that it is in
// order when the test has ended.
func newStore(t *testing.T) string {
	t.Helper()
	path := newBrokenStore(t)
	t.Cleanup(func() { checktest.Require(t, path) })
	return path
}

// timeZone is that of newStore.
const timeZone = "America/New_York"

// newBrokenStore makes a store that the test is going to break.
func newBrokenStore(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store")
	mustRun(t, "init", "--store", path, "--time-zone", timeZone)
	return path
}

// newMountpoint makes a directory to mount at, and detaches what is left there.
func newMountpoint(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	t.Cleanup(func() {
		err := syscall.Unmount(path, syscall.MNT_DETACH)
		if err == nil {
			t.Errorf("%s was left mounted", path)
		} else if !errors.Is(err, syscall.EINVAL) {
			t.Error(err)
		}
	})
	return path
}

const (
	// mediaFPS is how many frames media have in a second.
	mediaFPS = 15
	// mediaGOP is the length of their groups of pictures, in frames.
	mediaGOP = 15
)

// media are what the cameras of these tests play.
var media = sync.OnceValues(func() (*testcamera.Media, error) {
	return testcamera.Encode(context.Background(), testcamera.Params{Width: 320, Height: 180, FPS: mediaFPS, GOP: mediaGOP}, 600)
})

// hevcMedia is H.265, of a size that takes cropping, with access units that take
// several RTP packets.
var hevcMedia = sync.OnceValues(func() (*testcamera.Media, error) {
	return testcamera.Encode(context.Background(), testcamera.Params{
		Codec: testcamera.H265, Width: 642, Height: 362, FPS: 15, GOP: 15, BitrateKbps: 1500,
	}, 600)
})

// av1Media is AV1, with temporal units that take several RTP packets.
var av1Media = sync.OnceValues(func() (*testcamera.Media, error) {
	return testcamera.Encode(context.Background(), testcamera.Params{
		Codec: testcamera.AV1, Width: 320, Height: 180, FPS: 15, GOP: 15, BitrateKbps: 500,
	}, 600)
})

// bFrameMedia and openGOPMedia have frames that are shown before others which are sent
// earlier; those of openGOPMedia cross key frames, and it is H.265.
var (
	bFrameMedia = sync.OnceValues(func() (*testcamera.Media, error) {
		return testcamera.Encode(context.Background(), testcamera.Params{BFrames: 3}, 600)
	})
	openGOPMedia = sync.OnceValues(func() (*testcamera.Media, error) {
		return testcamera.Encode(context.Background(), testcamera.Params{Codec: testcamera.H265, BFrames: 4, OpenGOP: true}, 600)
	})
)

// onceForEach returns what makes a value at the first call with an argument, and returns the
// same one later.
func onceForEach[K comparable, V any](produce func(K) (V, error)) func(K) (V, error) {
	var mu sync.Mutex // guards made
	made := make(map[K]func() (V, error))
	return func(key K) (V, error) {
		mu.Lock()
		value, ok := made[key]
		if !ok {
			value = sync.OnceValues(func() (V, error) { return produce(key) })
			made[key] = value
		}
		mu.Unlock()
		return value()
	}
}

// mustEncode returns media that are encoded once.
func mustEncode(t *testing.T, made func() (*testcamera.Media, error)) *testcamera.Media {
	t.Helper()
	encoded, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// startCamera starts a camera, which plays media unless the configuration says
// otherwise.
func startCamera(t *testing.T, config testcamera.Config) *testcamera.Camera {
	t.Helper()
	if config.Source == nil {
		config.Source = mustEncode(t, media)
	}
	return cameratest.Start(t, config)
}

// files returns the paths of all footage in a mount, in the order of time.
func files(t *testing.T, mountpoint string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(mountpoint, "*", "*-*-*", "*.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// tool runs one of the real programs and returns its standard output. It fails
// if there is anything on standard error.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	var complaints bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = &complaints
	output, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &complaints)
	}
	return string(output)
}

// readWhole reads a file to its end, and returns the size that stat told before.
func readWhole(path string) (data []byte, statSize int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	data, err = io.ReadAll(f)
	return data, info.Size(), err
}
