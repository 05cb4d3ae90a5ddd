// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// noticedWithin is how soon it must be told that a disk is gone, in the long form.
const noticedWithin = 60 * time.Second

// departures are ways in which a disk goes while it is recorded to, and comes back. What
// they do to the disk is undone before the second function is called.
var departures = map[string]struct{ leave, comeBack func(*image) }{
	"unmounted lazily": {(*image).detach, (*image).attach},
	"unplugged, then unmounted": {func(i *image) {
		i.cut()
		i.detach()
	}, (*image).attach},
	"mounted over": {
		func(i *image) { i.command("mount", "-t", "tmpfs", "tmpfs", i.path) },
		(*image).mustUnmount,
	},
	"renamed": {
		func(i *image) { i.rename("samples", "elsewhere") },
		func(i *image) { i.rename("elsewhere", "samples") },
	},
	"replaced by another": {func(i *image) {
		i.detach()
		i.command("mount", "-t", "tmpfs", "tmpfs", i.path)
		other := filepath.Join(i.t.TempDir(), "other")
		if err := store.Create(i.t.Context(), other, filepath.Join(i.path, "samples"), "UTC"); err != nil {
			i.t.Fatal(err)
		}
	}, func(i *image) {
		i.mustUnmount()
		i.attach()
	}},
}

// detach unmounts the file system, whoever uses it: it lives on until nobody does.
func (i *image) detach() {
	i.t.Helper()
	if err := unix.Unmount(i.path, unix.MNT_DETACH); err != nil {
		i.t.Fatal(err)
	}
}

func (i *image) mustUnmount() {
	i.t.Helper()
	if err := i.unmount(); err != nil {
		i.t.Fatal(err)
	}
}

// attach mounts the file system again, once nobody uses it any more.
func (i *image) attach() {
	i.t.Helper()
	wait.Until(i.t, "the program to let go of the disk", func() bool {
		devices, err := exec.Command("losetup", "--associated", i.file).Output()
		return err == nil && len(devices) == 0
	})
	i.mount()
}

func (i *image) rename(from, to string) {
	i.t.Helper()
	if err := os.Rename(filepath.Join(i.path, from), filepath.Join(i.path, to)); err != nil {
		i.t.Fatal(err)
	}
}

// TestDiskGone ensures that a disk that goes while it is recorded to is noticed and told
// of, that the cameras of another disk are recorded meanwhile, that nothing is written to
// what is in its place, and that recording goes on by itself once it is back, with
// nothing missing of what was promised.
func TestDiskGone(t *testing.T) {
	t.Parallel()
	for name, d := range departures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !isLong() && name != "unmounted lazily" && name != "replaced by another" {
				t.Skip("in the long form")
			}
			sources, err := cameras()
			if err != nil {
				t.Fatal(err)
			}
			disk := newImage(t, ext4)
			path := filepath.Join(t.TempDir(), "store")
			s := newSiteWith(t, path, "", sources, retainBytes, filepath.Join(disk.path, "samples"))
			s.furnish()
			s.promiseEvent()
			s.untilBroken("disk "+name, func() []string { return s.loseAndFind(disk, d.leave, d.comeBack) })
		})
	}
}

// status is what "moonfirefs status" prints.
func (s *site) status() (output string, err error) {
	s.t.Helper()
	path, err := programPath()
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := exec.Command(path, "status", "--store", s.path).CombinedOutput()
	return string(text), err
}

// loseAndFind has the disk of half of the cameras go and come back.
func (s *site) loseAndFind(disk *image, leave, comeBack func(*image)) []string {
	s.t.Helper()
	p := s.start("")
	if !p.waitUntil(func() bool { return p.records(cameraCount) }) {
		return []string{"it does not record:\n" + p.log()}
	}
	p.pause(s.t) // an fsync under way could report success although it had none
	leave(disk)
	p.resume()
	went := time.Now()
	if !p.prints(1, `msg="nothing can be recorded to a sample directory`) {
		return []string{"nothing tells that the disk is gone:\n" + tail(p.log(), 40)}
	}
	problems := inTime("it was noticed", time.Since(went), noticedWithin)
	if told, err := s.status(); err == nil || !strings.Contains(told, "PROBLEM: The directory "+filepath.Join(disk.path, "samples")+" is missing") {
		problems = append(problems, fmt.Sprintf("the status is %v:\n%s", err, told))
	}
	before, err := p.promises()
	if err != nil {
		s.t.Fatal(err)
	}
	if !p.waitUntil(func() bool { all, err := p.promises(); return err == nil && len(all) > len(before)+2*cameraCount }) {
		problems = append(problems, "the other disk is not recorded to:\n"+tail(p.log(), 40))
	}
	if left, err := filepath.Glob(filepath.Join(disk.path, "samples", "*-*")); err != nil || len(left) > 0 {
		problems = append(problems, strings.Join(left, ", ")+": written to what is not the disk")
	}
	s.promiseEvent()
	comeBack(disk)
	back := time.Now()
	if !p.prints(1, `msg="recording to the sample directory begins"`) || !p.prints(cameraCount/2, `msg="recording continues"`) {
		return append(problems, "recording does not go on:\n"+tail(p.log(), 40))
	}
	took := time.Since(back)
	s.slowest = max(s.slowest, took)
	problems = append(problems, inTime("recording went on", took, resumesWithin)...)
	return append(problems, s.stopAndInspect()...)
}
