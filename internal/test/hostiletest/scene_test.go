// SPDX-License-Identifier: GPL-3.0-or-later

package hostiletest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// The cameras of the scene. Changes are about the driveway; the garden is to be as ever.
const (
	driveway = "driveway"
	garden   = "garden"
)

// day is when the footage of the scene is from.
const day = "2026-11-22"

// scene is a store with two cameras, three hours of footage of each, something that is
// kept and something that was deleted.
type scene struct {
	path string
	// Sample files of the first and the last recording of the driveway.
	first, last string
}

// good makes the store that all cases are copies of, once.
var good = sync.OnceValues(func() (*scene, error) {
	dir, err := os.MkdirTemp(filepath.Dir(binary), "good-")
	if err != nil {
		return nil, err
	}
	s := &scene{path: filepath.Join(dir, "store")}
	return s, s.fill()
})

var media = teststore.MadeUp(teststore.Params{Codec: teststore.H264, Width: 640, Height: 360, FPS: 5, Seconds: 60}, 1000)

func (s *scene) fill() error {
	ctx := background
	err := teststore.Create(ctx, s.path, "UTC", teststore.Camera{Name: driveway, Description: "where the car is", RetainBytes: 1 << 40, SubRetainBytes: 1 << 30},
		teststore.Camera{Name: garden, RetainBytes: 1 << 40})
	if err != nil {
		return err
	}
	opened, err := teststore.Open(ctx, s.path)
	if err != nil {
		return err
	}
	for _, folder := range []string{driveway, garden, driveway + "-sub"} {
		for _, hour := range []string{"12", "13", "14"} {
			take := teststore.Take{Folder: folder, Start: teststore.At(day + "T" + hour + ":00:00Z"), Recordings: 5, Seconds: 60, Media: media}
			rows, err := opened.RecordRows(ctx, take)
			if err != nil {
				return errors.Join(err, opened.Close())
			}
			if folder == driveway {
				s.last = rows[len(rows)-1].SampleFile.String()
				if s.first == "" {
					s.first = rows[0].SampleFile.String()
				}
			}
		}
	}
	for _, name := range []string{"burglary", "parcel"} {
		stream := moonfirefs.StreamID(1)
		if name == "parcel" {
			stream = 3
		}
		err = errors.Join(err, opened.DB.Keep(ctx, &moonfirefs.Kept{
			Stream: stream, Name: name, Start90k: teststore.At(day + "T13:01:00Z"), End90k: teststore.At(day + "T13:02:30Z"), Since90k: teststore.At(day + "T15:00:00Z"),
		}))
	}
	return errors.Join(err, opened.Close())
}

// newScene copies the good store.
func newScene(t testing.TB) *scene {
	t.Helper()
	original, err := good()
	must(t, err)
	s := *original
	s.path = filepath.Join(t.TempDir(), "store")
	copyTree(t, original.path, s.path)
	return &s
}

func (s *scene) samples(name string) string { return filepath.Join(s.path, "samples", name) }

func (s *scene) index() string { return filepath.Join(s.path, "moonfire.db") }

// mount is a mount of a scene.
type mount struct {
	*command
	path string
}

// mount mounts a store; ok is false if that cannot be done, for which there may be reasons.
func (s *scene) mount(t testing.TB) (m *mount, ok bool) {
	t.Helper()
	path := t.TempDir()
	t.Cleanup(func() { _ = syscall.Unmount(path, syscall.MNT_DETACH) })
	m = &mount{path: path}
	m.command = s.start(t, "mount", m.path)
	ended := func() bool {
		select {
		case <-m.exited:
			return true
		default:
			return false
		}
	}
	wait.Until(t, "the mount", func() bool { return ended() || strings.Contains(m.output.String(), "msg=mounted") })
	if ended() {
		m.end()
		return nil, false
	}
	return m, true
}

// readAll reads all that there is in a folder of the mount, up to some megabytes of each
// file, whatever fails.
func (m *mount) readAll(folder string) (names []string, unreadable map[string]error) {
	m.Helper()
	unreadable = make(map[string]error)
	root := filepath.Join(m.path, folder)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(m.path, path)
		names = append(names, name)
		if problem := unprintable(name); problem != "" {
			m.Errorf("there is a name in the mount, %q, with %s", name, problem)
		}
		if err == nil && d.Type().IsRegular() {
			err = readSome(path)
		}
		if err != nil {
			unreadable[name] = err
		}
		return nil
	})
	if err != nil {
		m.Errorf("walk through %s: %v", folder, err)
	}
	return names, unreadable
}

// someBytes are read from the beginning and before the end of a file.
const someBytes = 4 << 20

func readSome(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for _, off := range []int64{0, max(0, info.Size()-someBytes)} {
		if _, err := io.Copy(io.Discard, io.NewSectionReader(f, off, someBytes)); err != nil {
			return err
		}
	}
	return nil
}

// reference is what the garden is like in the good store.
type reference struct {
	list, json, clip []byte
	// files are those of its folder, and saved/parcel.mp4.
	files map[string][]byte
}

const parcel = "saved/parcel.mp4"

var gardenFiles = []string{
	garden + "/" + day + "/12.mp4", garden + "/" + day + "/13.mp4", garden + "/" + day + "/14.mp4", parcel,
}

// take takes the reference of a store; the test fails where it cannot.
func (s *scene) take(t testing.TB, m *mount) (r reference) {
	t.Helper()
	must := func(args ...string) []byte {
		t.Helper()
		output, status := s.run(t, args...)
		if status != 0 {
			t.Errorf("moonfirefs %q: status %d: %q", args, status, output)
		}
		return withoutLog(output)
	}
	r.list, r.json = must("list", garden), must("list", garden, "--json")
	clip := filepath.Join(t.TempDir(), "clip.mp4")
	must("export", garden, day+"T12:01:00", day+"T12:03:00", "-o", clip)
	r.clip, _ = os.ReadFile(clip)
	r.files = make(map[string][]byte)
	for _, name := range gardenFiles {
		data, err := os.ReadFile(filepath.Join(m.path, name))
		if err != nil {
			t.Errorf("read %s: %v", name, err)
		}
		r.files[name] = data
	}
	return r
}

// withoutLog leaves out the lines of the log, which go to another output.
func withoutLog(output string) []byte {
	var lines []string
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "time=") {
			lines = append(lines, line)
		}
	}
	return []byte(strings.Join(lines, ""))
}
