// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/md5"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/nvrstore"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// digestsOf are those that ffmpeg finds the packets of a file's video to have.
func digestsOf(t *testing.T, path string) (digests []string) {
	t.Helper()
	digests, err := tryDigestsOf(path)
	mustDo(t, err)
	return digests
}

// tryDigestsOf is digestsOf of what may be stale: footage is gone, and the mount follows soon.
func tryDigestsOf(path string) (digests []string, err error) {
	output, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-c", "copy", "-f", "framemd5", "-").Output()
	for line := range strings.Lines(string(output)) {
		if !strings.HasPrefix(line, "#") {
			digests = append(digests, strings.TrimSpace(line[strings.LastIndex(line, ",")+1:]))
		}
	}
	return digests, err
}

// digestsIn are those of samples.
func digestsIn(samples []teststore.Sample) (digests []string) {
	for _, s := range samples {
		digests = append(digests, fmt.Sprintf("%x", md5.Sum(s.Data)))
	}
	return digests
}

// mountMoonfire mounts a store of a Moonfire NVR with a cache of its own.
func mountMoonfire(t *testing.T, path string) (mountpoint string, p *program) {
	t.Helper()
	mountpoint = newMountpoint(t)
	p = start(t, "mount", "--moonfire-nvr", path, "--time-zone", "UTC", "--moonfire-cache", t.TempDir(), mountpoint)
	p.saw("msg=mounted")
	return mountpoint, p
}

// moonfireBench is a store of a Moonfire NVR with two hours of some footage in it.
type moonfireBench struct {
	*nvrstore.Store
	media      *teststore.Media
	main, sub  *nvrstore.Stream
	wantMain13 []string
	wantSub13  []string
	recorded   int
}

const perRecording = 20

// next are the samples of the next recording.
func (b *moonfireBench) next() []teststore.Sample {
	n := len(b.media.Samples) / perRecording
	i := b.recorded % n * perRecording
	b.recorded++
	return b.media.Samples[i : i+perRecording]
}

func newMoonfireBench(t *testing.T, version int, media *teststore.Media) *moonfireBench {
	b := &moonfireBench{Store: nvrstore.New(t, version, 2), media: media}
	b.main, b.sub = b.AddCamera("driveway", 0, "main")[0], b.AddCamera("Driveway", 1, "main", "sub")[1]
	for n := range 4 {
		samples := b.next()
		run := nvrstore.Run{Delta90k: 30}
		if n == 0 {
			run = nvrstore.Run{Start90k: teststore.At("2026-11-22T13:59:50Z")}
		}
		b.Record(b.sub, media, samples, run)
		b.wantSub13 = append(b.wantSub13, digestsIn(samples)...)
	}
	for n := range 6 {
		samples := b.next()
		run := nvrstore.Run{Delta90k: -40}
		switch n {
		case 0:
			run = nvrstore.Run{Start90k: teststore.At("2026-11-22T13:10:00Z")}
		case 2:
			run.TrailingZero = true
		case 3: // behind a gap
			run = nvrstore.Run{Start90k: teststore.At("2026-11-22T13:20:00Z")}
		}
		b.Record(b.main, media, samples, run)
		b.wantMain13 = append(b.wantMain13, digestsIn(samples)...)
	}
	// What is being recorded has a file, and no row.
	if err := os.WriteFile(b.File(b.main, 7), []byte("unfinished"), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// The footage of a Moonfire NVR that runs is shown frame by frame, in each version of its
// schema and each codec, is followed, and is the same in each mount.
func TestMountMoonfireNVR(t *testing.T) {
	for version, codec := range map[int]teststore.Codec{5: teststore.H264, 6: teststore.H264, 7: teststore.H265} {
		t.Run(fmt.Sprintf("version %d %s", version, codec), func(t *testing.T) {
			media, err := teststore.Encode(t.Context(), teststore.Params{Codec: codec, Width: 320, Height: 180, FPS: 10, Seconds: 12})
			if err != nil {
				t.Fatal(err)
			}
			b := newMoonfireBench(t, version, media)
			mountpoint, _ := mountMoonfire(t, b.Path)
			main13 := filepath.Join(mountpoint, "driveway/2026-11-22/13.mp4")
			if got := digestsOf(t, main13); !slices.Equal(got, b.wantMain13) {
				t.Errorf("main stream: %d packets, want %d that were put in", len(got), len(b.wantMain13))
			}
			if got := digestsOf(t, filepath.Join(mountpoint, "Driveway-2-sub/2026-11-22/13.mp4")); !slices.Equal(got, b.wantSub13) {
				t.Errorf("sub stream: %d packets, want %d that were put in", len(got), len(b.wantSub13))
			}
			if data, size, err := readWhole(main13); err != nil || int64(len(data)) != size {
				t.Errorf("%d bytes where stat says %d: %v", len(data), size, err)
			}
			other, _ := mountMoonfire(t, b.Path)
			if one, two := filesOf(t, mountpoint), filesOf(t, other); len(one) == 0 || fmt.Sprint(one) != fmt.Sprint(two) {
				t.Error("two mounts differ")
			}
			// It goes on, and loses its beginning.
			samples := b.next()
			b.Rotate(b.main, 1)
			if err := os.Remove(b.File(b.main, 7)); err != nil {
				t.Fatal(err)
			}
			b.Record(b.main, media, samples, nvrstore.Run{})
			want := append(slices.Clone(b.wantMain13[perRecording:]), digestsIn(samples)...)
			wait.Until(t, "the mount to follow", func() bool {
				got, err := tryDigestsOf(main13)
				return err == nil && slices.Equal(got, want)
			})
			// Another hour begins: the one that is not whole is hidden.
			b.Record(b.main, media, samples, nvrstore.Run{Start90k: teststore.At("2026-11-22T15:00:00Z")})
			wait.Until(t, "the trimmed hour to be hidden", func() bool {
				_, err := os.Stat(main13)
				return os.IsNotExist(err)
			})
		})
	}
}

// A sample file that is lost costs the bytes that it held, as in a store of ours, and not its
// hour. One that is missing at the beginning, where retention takes files, does.
func TestMountMoonfireNVRMissingFile(t *testing.T) {
	b := newMoonfireBench(t, 7, encodeMoonfire(t, teststore.H264))
	mountpoint, _ := mountMoonfire(t, b.Path)
	path := filepath.Join(mountpoint, "driveway/2026-11-22/13.mp4")
	whole, err := os.ReadFile(path)
	mustDo(t, err)
	lost, err := os.ReadFile(b.File(b.main, 3))
	mustDo(t, err)
	mustDo(t, os.Remove(b.File(b.main, 3)))
	other, _ := mountMoonfire(t, b.Path) // which has no file open yet
	f, err := os.Open(filepath.Join(other, "driveway/2026-11-22/13.mp4"))
	mustDo(t, err)
	defer f.Close()
	const page = 4096 // the kernel reads whole ones
	begin := int64(strings.Index(string(whole), string(lost)))
	before, behind := begin/page*page, (begin+int64(len(lost))+page-1)/page*page
	for name, c := range map[string]struct {
		offset, size int64
		want         error
	}{
		"before": {0, before, nil}, "behind": {behind, int64(len(whole)) - behind, nil}, "lost": {before + page, 100, syscall.EIO},
	} {
		got := make([]byte, c.size)
		_, err := f.ReadAt(got, c.offset)
		if !errors.Is(err, c.want) || err == nil && string(got) != string(whole[c.offset:][:c.size]) {
			t.Errorf("%s: read with %v, want %v", name, err, c.want)
		}
	}
	mustDo(t, os.Remove(b.File(b.main, 1)))
	third, _ := mountMoonfire(t, b.Path)
	if _, err := os.Open(filepath.Join(third, "driveway/2026-11-22/13.mp4")); !errors.Is(err, syscall.ESTALE) {
		t.Errorf("the oldest file is missing: %v, want ESTALE", err)
	}
}

// What is wrong costs one line and no more than what it is about; what is not theirs is
// refused.
func TestMountMoonfireNVRDamaged(t *testing.T) {
	media, err := teststore.Encode(t.Context(), teststore.Params{Codec: teststore.H264, Width: 320, Height: 180, FPS: 10, Seconds: 12})
	if err != nil {
		t.Fatal(err)
	}
	b := newMoonfireBench(t, 7, media)
	b.Discard(b.sub) // a crash leaves this row of table garbage, and the file
	b.Exec(`update recording_playback set video_index = x'ff' where composite_id = (select composite_id from recording where stream_id = ? order by composite_id limit 1 offset 3)`, b.main.ID)
	if err := os.Rename(b.Dirs[1], b.Dirs[1]+"-away"); err != nil {
		t.Fatal(err)
	}
	mountpoint, p := mountMoonfire(t, b.Path)
	p.saw("a row of Moonfire NVR cannot be used, and is left out")
	p.saw("a sample directory is not available")
	if _, err := os.Stat(filepath.Join(mountpoint, "driveway/2026-11-22/13.mp4")); err != nil {
		t.Error(err)
	}
	if n := strings.Count(p.output.String(), "level=WARN") + strings.Count(p.output.String(), "level=ERROR"); n != 2 {
		t.Errorf("it printed %d warnings and errors:\n%s", n, p.output)
	}
	p.stop()
	b.Exec(`insert into version values (8, 0, 'from the future')`)
	for name, path := range map[string]string{
		"newer schema": b.Path, "no database": t.TempDir(), "a sample directory": b.Dirs[0],
	} {
		output, status := run(t, "mount", "--moonfire-nvr", path, "--moonfire-cache", t.TempDir(), newMountpoint(t))
		if status != exitFailure || strings.Count(output, "\n") != 1 {
			t.Errorf("%s: status %d: %s", name, status, output)
		}
	}
}
