// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/md5" //nolint:gosec // what ffmpeg's framemd5 says
	"encoding/hex"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/objectstore"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// objectDay wants the footage of a day in a bucket, which takes minutes and gigabytes.
var objectDay = flag.Bool("object-day", false, "move a day of four cameras to a bucket, and compare each frame")

// footageDay is a day of cameras, up to now, and what they have sent.
type footageDay struct {
	*testing.T
	path, mountpoint string
	began            time.Time
	cameras          []string
	// frames are the digests of the frames that a camera sends, again and again.
	frames map[string][]string
	// digests are those of files, once they were seen.
	digests map[string]string
}

// newFootageDay makes it. No two minutes that follow one another have the same frames.
func newFootageDay(t *testing.T) *footageDay {
	t.Helper()
	d := &footageDay{
		T: t, mountpoint: newMountpoint(t), began: time.Now().UTC().Truncate(time.Hour).Add(-24 * time.Hour), frames: make(map[string][]string), digests: make(map[string]string),
	}
	media := make(map[string]*teststore.Media)
	var cameras []teststore.Camera
	for i := range 4 {
		name := "camera" + strconv.Itoa(i)
		m, err := teststore.Encode(t.Context(), teststore.Params{Codec: teststore.H264, Width: 192 + 16*i, Height: 144, FPS: 15, Seconds: 61})
		mustDo(t, err)
		media[name] = m
		for _, s := range m.Samples {
			sum := md5.Sum(s.Data) //nolint:gosec // see above
			d.frames[name] = append(d.frames[name], hex.EncodeToString(sum[:]))
		}
		d.cameras = append(d.cameras, name)
		cameras = append(cameras, teststore.Camera{Name: name, RetainBytes: 1 << 40})
	}
	d.path = teststore.NewWith(t, "UTC", cameras...)
	s := teststore.MustOpen(t, d.path)
	defer s.Close()
	for hour := range 24 {
		for name, m := range media {
			mustDo(t, s.Record(t.Context(), teststore.Take{
				Folder: name, Start: moonfirefs.FromTime(d.hour(hour)), Recordings: 60, Seconds: 60, Media: m, First: hour * 3600 * m.Params.FPS % len(m.Samples),
			}))
		}
	}
	return d
}

func (d *footageDay) hour(n int) time.Time { return d.began.Add(time.Duration(n) * time.Hour) }

// requireHour requires that an hour has the frames that the camera has sent, and the bytes that
// it had when it was seen first.
func (d *footageDay) requireHour(camera string, n int, when string) {
	d.Helper()
	name := filepath.Join(camera, d.hour(n).Format("2006-01-02/15")+".mp4")
	path := filepath.Join(d.mountpoint, name)
	if got := see(d.T, path).digest; d.digests[name] == "" {
		d.digests[name] = got
	} else if got != d.digests[name] {
		d.Errorf("%s, %s has SHA-256 %s, not %s", when, name, got, d.digests[name])
	}
	sent := d.frames[camera]
	output, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-c", "copy", "-f", "framemd5", "-").Output()
	mustDo(d.T, err)
	frames := 0
	for line := range strings.Lines(string(output)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, ",")
		if want := sent[(n*3600*15+frames)%len(sent)]; strings.TrimSpace(fields[len(fields)-1]) != want {
			d.Fatalf("%s, frame %d of %s is not what was sent", when, frames, name)
		}
		frames++
	}
	if frames != 3600*15 {
		d.Errorf("%s, %s has %d frames", when, name, frames)
	}
}

// requireAll requires that of all hours.
func (d *footageDay) requireAll(when string) {
	d.Helper()
	for _, camera := range d.cameras {
		for n := range 24 {
			d.requireHour(camera, n, when)
		}
	}
}

// local is how many sample files are on this machine.
func (d *footageDay) local() int { return sampleFiles(d.T, filepath.Join(d.path, "samples")) }

// young is how many recordings ended less than a time ago.
func (d *footageDay) young(after time.Duration) int {
	d.Helper()
	output := tool(d.T, "sqlite3", "file:"+filepath.Join(d.path, "moonfire.db")+"?mode=ro",
		fmt.Sprintf("select count(*) from recording where start_time_90k + duration_90k > (unixepoch('subsec') - %f) * 90000", after.Seconds()))
	n, err := strconv.Atoi(strings.TrimSpace(output))
	mustDo(d.T, err)
	return n
}

// move has the cameras' footage move, and waits until this machine has what is younger alone.
func (d *footageDay) move(bucket *objectstore.Store, after time.Duration) {
	d.Helper()
	for _, camera := range d.cameras {
		mustRun(d.T, "tier", "add", camera, "--to", bucket.URL, "--after", strconv.Itoa(int(after.Minutes()))+"m", "--retain", "1TB", "--store", d.path)
	}
	for hour := 0; d.local() > d.young(after); hour++ {
		d.requireHour(d.cameras[hour%4], hour%24, "during the move")
	}
	wait.Until(d.T, "this machine to have what is younger, and nothing else", func() bool { return d.local() == d.young(after) })
}

// TestBucketDay ensures that a day of four cameras has the same frames and the same bytes before,
// during and after its move to a bucket, and that this machine keeps what is not old enough.
func TestBucketDay(t *testing.T) {
	if !*objectDay {
		t.Skip("-object-day is not given")
	}
	d, bucket := newFootageDay(t), objectstore.Start(t)
	mustRun(t, "dir", "add", "--s3", bucket.URL, "--credentials", objectstore.Credentials(t), "--store", d.path)
	recorder := start(t, "run", d.mountpoint, "--store", d.path)
	recorder.saw("msg=mounted")
	d.requireAll("before the move")
	d.move(bucket, 12*time.Hour)
	d.move(bucket, 10*time.Minute)
	recorder.stop()
	// A fresh mount, of which the kernel has nothing.
	d.mountpoint = newMountpoint(t)
	recorder = start(t, "run", d.mountpoint, "--store", d.path)
	recorder.saw("msg=mounted")
	d.requireAll("after the move")
	recorder.stop()
	objects := slices.DeleteFunc(bucket.Objects(t), func(key string) bool { return strings.HasSuffix(key, "/meta") })
	if all := 4 * 24 * 60; len(objects)+d.local() != all {
		t.Errorf("%d recordings are in the bucket, %d here, and not %d in all", len(objects), d.local(), all)
	}
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--hash", "--store", d.path)
}
