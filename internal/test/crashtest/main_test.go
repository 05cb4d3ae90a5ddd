// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs/internal/test/faultfs"
	"github.com/moonfirefs/moonfirefs/internal/test/programbuild"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/objects"
	_ "github.com/moonfirefs/moonfirefs/recorder" // lest its changes leave test results cached
)

const (
	// beFaultFS makes the test binary serve a disk of package faultfs.
	beFaultFS = "MOONFIREFS_TEST_BE_FAULTFS"
	// inNamespace says that the tests are in a mount namespace of their own.
	inNamespace = "MOONFIREFS_TEST_IN_NAMESPACE"
	// form is set to "long" by "make crashtest".
	form = "MOONFIREFS_CRASHTEST"
)

func TestMain(m *testing.M) {
	switch mountpoint := os.Getenv(beFaultFS); {
	case mountpoint != "":
		if err := faultfs.Serve(mountpoint, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case os.Getenv(inNamespace) == "":
		os.Exit(runInNamespace())
	default:
		os.Exit(runTests(m))
	}
}

// runInNamespace runs the same tests in a mount namespace of their own. Its mounts,
// and with them the loop devices, go with the last process in it, even if the tests
// are killed or run out of time.
func runInNamespace() (status int) {
	runtime.LockOSThread() // Pdeathsig is about the thread
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err != nil {
		return 1
	}
	return 0
}

// letGo unmounts, in this namespace, what other tests have mounted, who could not
// unmount it for good otherwise.
func letGo() error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(mounts)) {
		path := strings.ReplaceAll(strings.Fields(line)[1], `\040`, " ") // proc(5)
		if strings.HasPrefix(path, os.TempDir()+"/") {
			_ = syscall.Unmount(path, syscall.MNT_DETACH) // it may be gone with another one
		}
	}
	return nil
}

func runTests(m *testing.M) int {
	if err := letGo(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	objects.Register(objects.Options{}) // what is inspected may be in a bucket
	// These tests mostly wait.
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status := m.Run()
	results.print()
	err := closeCameras()
	if workshop != "" {
		err = errors.Join(err, os.RemoveAll(workshop))
	}
	if err == nil && status == 0 { // what a failed test has left behind says nothing
		err = goleak.Find()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// tries returns how often to do something, in the short form and in the long one.
func tries(short, long int) int {
	if isLong() {
		return long
	}
	return short
}

func isLong() bool { return os.Getenv(form) == "long" }

// workshop is a directory for what all tests share.
var workshop string

// programPath is the program, built with failpoints.
var programPath = sync.OnceValues(func() (path string, err error) {
	if workshop, err = os.MkdirTemp("", "crashtest"); err != nil {
		return "", err
	}
	path = filepath.Join(workshop, "moonfirefs")
	return path, buildProgram(path, "-tags", "failpoints")
})

func buildProgram(path string, flags ...string) error {
	if raceEnabled {
		flags = append(flags, "-race")
	}
	return programbuild.Build(context.Background(), path, flags...)
}

// media are what the cameras play: small pictures, many of them key frames, so that
// recordings can be short.
var media = sync.OnceValues(func() (*testcamera.Media, error) {
	p := testcamera.Params{Width: 160, Height: 90, FPS: framesPerSecond, GOP: groupOfPictures, BitrateKbps: 200}
	return testcamera.Encode(context.Background(), p, 300)
})

const (
	framesPerSecond = 30
	// groupOfPictures is the number of frames from one key frame to the next.
	groupOfPictures = 3
)

// cameras play for as long as the tests run. The first one has sound.
var cameras = sync.OnceValues(func() ([]*testcamera.Camera, error) {
	source, err := media()
	if err != nil {
		return nil, err
	}
	sound, err := testcamera.EncodeAudio(context.Background(), testcamera.AAC, 0, 30)
	if err != nil {
		return nil, err
	}
	for i := range cameraCount {
		config := testcamera.Config{Source: source, KeepSent: 1}
		if i == 0 {
			config.Audio, config.Reports = sound, true
		}
		c, err := testcamera.Start(config)
		if err != nil {
			return nil, err
		}
		opened = append(opened, c)
	}
	return opened, nil
})

var opened []*testcamera.Camera

func closeCameras() error {
	var errs []error
	for _, c := range opened {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
