// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/google/go-cmp/cmp"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/library"
)

// playedFrame is a frame as a reader of the virtual files finds it.
type playedFrame struct {
	md5    string
	pts90k int64
}

// playedFrames lists the frames of files in order, as ffmpeg demuxes them.
func playedFrames(t *testing.T, paths []string) []playedFrame {
	t.Helper()
	return playedPackets(t, paths, "v")
}

// asRecorded is what design/cameras.md says a sample is made of: NAL units with
// a length, without parameter sets, access unit delimiters and filler. The first
// NAL unit is a delimiter, which tells the codec; in AV1 it is a sequence header or a frame.
func asRecorded(f testcamera.SentFrame) string {
	if isAV1(f) {
		sample, err := av1.Bitstream(f.NALs).Marshal()
		if err != nil {
			panic(err) // the test camera has made them
		}
		sum := md5.Sum(sample)
		return hex.EncodeToString(sum[:])
	}
	left := func(nal []byte) bool { return slices.Contains([]byte{7, 8, 9, 12}, nal[0]&0x1f) } // ITU-T H.264 table 7-1
	if f.NALs[0][0] == 35<<1 {
		left = func(nal []byte) bool { return slices.Contains([]byte{32, 33, 34, 35, 38}, nal[0]>>1) } // ITU-T H.265 table 7-1
	}
	var sample []byte
	for _, nal := range f.NALs {
		if left(nal) {
			continue
		}
		sample = binary.BigEndian.AppendUint32(sample, uint32(len(nal)))
		sample = append(sample, nal...)
	}
	sum := md5.Sum(sample)
	return hex.EncodeToString(sum[:])
}

// isAV1 tells whether a frame begins with a sequence header or a frame of AV1.
func isAV1(f testcamera.SentFrame) bool {
	head := f.NALs[0][0]
	return head == 1<<3 || head == 6<<3
}

// sentRuns splits what the camera sent by connection, each from its first key
// frame.
func sentRuns(sent []testcamera.SentFrame) (runs [][]testcamera.SentFrame) {
	for i, f := range sent {
		if i == 0 || f.Run != sent[i-1].Run {
			runs = append(runs, nil)
		}
		last := len(runs) - 1
		if isRASL(f) && !slices.ContainsFunc(runs[last][min(1, len(runs[last])):], isSync) {
			continue
		}
		if f.Sync || len(runs[last]) > 0 {
			runs[last] = append(runs[last], f)
		}
	}
	return runs
}

func isSync(f testcamera.SentFrame) bool { return f.Sync }

// isRASL tells whether a frame cannot be decoded by who joins at the key frame before
// it (ITU-T H.265 table 7-1).
func isRASL(f testcamera.SentFrame) bool {
	return f.NALs[0][0] == 35<<1 && slices.ContainsFunc(f.NALs, func(nal []byte) bool { return nal[0]>>1 == 8 || nal[0]>>1 == 9 })
}

// TestFramesAreExact ensures the main promise: what the camera sends is what a
// reader of the mount gets, frame for frame, payload, order and time, across
// recordings, a reconnection and a restart of the program.
func TestFramesAreExact(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]testcamera.Config{
		"with sprop":    {},
		"without sprop": {WithoutSprop: true, Username: "admin", Password: "s3cret"},
		"H.265":         {WithoutSprop: true, Source: mustEncode(t, hevcMedia)},
		"AV1":           {Source: mustEncode(t, av1Media)},
		"B-frames":      {Source: mustEncode(t, bFrameMedia)},
		"open GOP":      {Source: mustEncode(t, openGOPMedia)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var camera *testcamera.Camera
			var path, mountpoint string
			inTime(t, func() (log string) {
				camera, path, mountpoint = startCamera(t, config), newStore(t), newMountpoint(t)
				return recordThrice(t, camera, config.Password, path, mountpoint)
			})
			mount := start(t, "mount", mountpoint, "--store", path)
			mount.saw("mounted")
			runs := sentRuns(camera.Sent())
			if len(runs) != 3 {
				t.Fatalf("the camera had %d connections, want 3", len(runs))
			}
			footage := footageOf(t, path, 1, files(t, mountpoint))
			recorded := compare(t, runs, footage, maxUnfinished)
			requireClip(t, recorded[0], threeSeconds(t, footage.runs[0], mountpoint), 3)
			if name == "open GOP" {
				requireEachRun(t, recorded, footage.runs, mountpoint)
				return
			}
			requireDecodable(t, files(t, mountpoint))
			requirePictures(t, recorded, files(t, mountpoint))
		})
	}
}

// recordTwice records two connections to a camera, and returns what was logged.
func recordTwice(t *testing.T, camera *testcamera.Camera, password, path, mountpoint string) (log string) {
	t.Helper()
	url := camera.URL()
	if password != "" {
		url = strings.Replace(url, "rtsp://", "rtsp://admin:"+password+"@", 1)
	}
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", url, "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "2s")
	waitForRecordings(t, path, 4)
	settle(t, camera, path, 0, 1)
	camera.Stop()
	recorder.saw("no connection to the camera")
	camera.Resume()
	mustDo(t, camera.Restart())
	waitForRecordings(t, path, 8)
	settle(t, camera, path, 0, 1)
	recorder.stop()
	return recorder.output.String()
}

// recordThrice records a third connection, by another process.
func recordThrice(t *testing.T, camera *testcamera.Camera, password, path, mountpoint string) (log string) {
	t.Helper()
	log = recordTwice(t, camera, password, path, mountpoint)
	camera.Resume()
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "2s")
	waitForRecordings(t, path, 10)
	settle(t, camera, path, 0, 3)
	recorder.stop()
	log += recorder.output.String()
	if password != "" && strings.Contains(log, password) {
		t.Error("the password is in the log")
	}
	return log
}

// inTime records until a recorder has seen the frames come at the pace at which they are
// stamped, which its log tells. Where it, or the camera, has got hardly any of the
// processor for seconds, it dates them by what it has measured (design/time.md), as it
// must: nothing that it could measure tells that from a camera whose clock is wrong.
func inTime(t *testing.T, record func() (log string)) {
	t.Helper()
	const most = 10 // or the camera's clock is wrong
	for range most {
		if !strings.Contains(record(), "the camera's clock runs too fast or too slow") {
			return
		}
		t.Log("the machine is too busy for frames to come at their pace: record again")
	}
	t.Fatal("frames never came at their pace")
}

// TestMainAndSub ensures that a camera's two streams are recorded beside each
// other, each frame for frame, whatever their codecs and sizes. (H.265 with sprop
// is here, without is above.)
func TestMainAndSub(t *testing.T) {
	t.Parallel()
	streams := map[string]*testcamera.Camera{
		"driveway":     startCamera(t, testcamera.Config{Source: mustEncode(t, hevcMedia)}),
		"driveway-sub": startCamera(t, testcamera.Config{}),
	}
	path, mountpoint := newStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", streams["driveway"].URL(), "--retain", "1GB",
		"--sub", streams["driveway-sub"].URL(), "--sub-retain", "100MB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "2s")
	waitForRecordings(t, path, 4, 4)
	for i, folder := range []string{"driveway", "driveway-sub"} {
		settle(t, streams[folder], path, i, 1)
	}
	recorder.stop()
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	for i, codec := range []string{"hevc,hvc1,642,362", "h264,avc1,320,180"} {
		folder := []string{"driveway", "driveway-sub"}[i]
		paths, err := filepath.Glob(filepath.Join(mountpoint, folder, "*-*-*", "*.mp4"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: no files (%v)", folder, err)
		}
		compare(t, sentRuns(streams[folder].Sent()), footageOf(t, path, moonfirefs.StreamID(i+1), paths), maxUnfinished)
		requireDecodable(t, paths)
		got := tool(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=codec_name,codec_tag_string,width,height", "-of", "csv=p=0", paths[0])
		if strings.TrimSpace(got) != codec {
			t.Errorf("%s: ffprobe says %s, want %s", folder, got, codec)
		}
	}
}

// requireDecodable requires a decoder to find nothing wrong with files.
func requireDecodable(t *testing.T, paths []string) {
	t.Helper()
	for _, path := range paths {
		decode(t, path, "-map", "0:v")
	}
}

// decode has ffmpeg decode what options choose of a file, and find nothing wrong with it.
// Without a time base it would count in frames, in which two pictures can be shown at the same
// time: the last one of a run and, where that is dated at once behind, the first of the next.
func decode(t *testing.T, path string, options ...string) {
	t.Helper()
	args := append([]string{"-v", "error", "-xerror", "-i", path}, options...)
	tool(t, "ffmpeg", append(args, "-enc_time_base:v", "1:90000", "-f", "null", "-")...)
}

// requirePictures requires a decoder to show the pictures of each run in the order in
// which they were taken.
func requirePictures(t *testing.T, recorded [][]testcamera.SentFrame, paths []string) {
	t.Helper()
	var want []int
	for _, run := range recorded {
		want = append(want, countersInOrder(run)...)
	}
	if diff := cmp.Diff(want, shownCounters(t, paths...)); diff != "" {
		t.Errorf("pictures are shown in another order (-want +got):\n%s", diff)
	}
}

// requireEachRun requires a decoder to show each run, but for a second at either end, by
// itself. H.265 counts pictures in eight bits or a little more. Where a run does not begin
// with an IDR picture, a decoder takes it for the continuation of the one before, so that it
// depends on the time between them which pictures it puts in which order; and a file that
// begins with such a picture, as an hour can, lacks those that depend on the hour before.
func requireEachRun(t *testing.T, recorded [][]testcamera.SentFrame, runs []recordedRun, mountpoint string) {
	t.Helper()
	for i, run := range recorded {
		byTime := func(a, b testcamera.SentFrame) int { return int(a.PTS90k - b.PTS90k) }
		first, last := slices.MinFunc(run, byTime), slices.MaxFunc(run, byTime)
		begin := runs[i].start90k.Time()
		// Of the last pictures, one that is sent after those that are shown later may be missing.
		const unsure90k = 4 * moonfirefs.UnitsPerSecond / mediaFPS
		end := begin.Add(moonfirefs.Duration90k(last.PTS90k - first.PTS90k - unsure90k).Duration())
		from, to := begin.Truncate(time.Second).Add(time.Second), end.Truncate(time.Second)
		requireClip(t, run, clipOf(t, mountpoint, from, to), int(to.Sub(from)/time.Second))
	}
}

// threeSeconds is a clip of a run.
func threeSeconds(t *testing.T, run recordedRun, mountpoint string) string {
	t.Helper()
	from := run.start90k.Time().Add(2 * time.Second).Truncate(time.Second)
	return clipOf(t, mountpoint, from, from.Add(3*time.Second))
}

// clipOf is the path of a clip of the camera driveway, in a store of newStore.
func clipOf(t *testing.T, mountpoint string, from, to time.Time) string {
	t.Helper()
	name := library.ClipName{Start: civilMoment(t, from), End: civilMoment(t, to), Part: 1}
	return filepath.Join(mountpoint, "driveway", library.ClipsFolder, name.String())
}

// civilMoment is how a moment is written in the zone of newStore: with an offset in an hour
// that comes a second time.
func civilMoment(t *testing.T, at time.Time) civil.Moment {
	t.Helper()
	zone, err := time.LoadLocation(timeZone)
	mustDo(t, err)
	m := civil.MomentOf(at.In(zone))
	if first, ok := (civil.Calendar{Zone: zone}).Instant(m); !ok || first != moonfirefs.FromTime(at.Truncate(time.Second)) {
		_, offset := at.In(zone).Zone()
		m.Offset = civil.FormatOffset(offset)
	}
	return m
}

// requireClip requires the pictures of a clip, which is a part of a run and some seconds long,
// to be shown one after another.
func requireClip(t *testing.T, run []testcamera.SentFrame, clip string, seconds int) {
	t.Helper()
	got, want := shownCounters(t, clip), countersInOrder(run)
	frames := seconds * mediaFPS
	most := frames + 1
	if isAV1(run[0]) {
		// By way of dav1d, libavcodec shows what an edit list hides, up to a group of pictures.
		most += 15
	}
	if len(got) < frames-1 || len(got) > most {
		t.Fatalf("%s shows %d pictures, want about %d", clip, len(got), frames)
	}
	begin := slices.Index(want, got[0])
	if begin < 0 || begin+len(got) > len(want) || !slices.Equal(got, want[begin:][:len(got)]) {
		t.Errorf("%s shows %v", clip, got)
	}
}

// countersInOrder are the numbers of a run's pictures in the order in which they were
// taken.
func countersInOrder(run []testcamera.SentFrame) (counters []int) {
	for _, f := range slices.SortedFunc(slices.Values(run), func(a, b testcamera.SentFrame) int { return int(a.PTS90k - b.PTS90k) }) {
		counters = append(counters, f.Counter)
	}
	return counters
}

// shownCounters are the numbers of the pictures that ffmpeg shows of files.
func shownCounters(t *testing.T, paths ...string) (got []int) {
	t.Helper()
	const width, height = 256, 144
	for _, path := range paths {
		pixels := []byte(tool(t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-fps_mode", "passthrough",
			"-vf", fmt.Sprintf("scale=%d:%d", width, height), "-pix_fmt", "gray", "-f", "rawvideo", "-"))
		for ; len(pixels) > 0; pixels = pixels[width*height:] {
			picture := &image.Gray{Pix: pixels[:width*height], Stride: width, Rect: image.Rect(0, 0, width, height)}
			counter, ok := testcamera.ReadCounter(picture)
			if !ok {
				t.Fatalf("%s: picture %d has no number", path, len(got))
			}
			got = append(got, counter)
		}
	}
	return got
}

// waitForRecordings waits until the index has a number of recordings of the first stream,
// and further numbers of the streams after it.
func waitForRecordings(t *testing.T, path string, least ...int) {
	t.Helper()
	waitForStore(t, path, fmt.Sprintf("%d recordings", least), func(s *store.Store) bool {
		for i, n := range least {
			if countRecordings(t, s, moonfirefs.StreamID(i+1)) < n {
				return false
			}
		}
		return true
	})
}

// waitForStore waits until a condition is true of a store. It opens the store once: that
// takes the processor far longer than looking into it, and a test looks often.
func waitForStore(t *testing.T, path, what string, condition func(*store.Store) bool) {
	t.Helper()
	s := openToRead(t, path)
	defer s.Close()
	wait.Until(t, what, func() bool { return condition(s) })
}

// openToRead opens a store, which the caller closes.
func openToRead(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path, store.Reading, nil)
	mustDo(t, err)
	return s
}

// recordings counts the recordings of a stream.
func recordings(t *testing.T, path string, stream moonfirefs.StreamID) int {
	t.Helper()
	s := openToRead(t, path)
	defer s.Close()
	return countRecordings(t, s, stream)
}

func countRecordings(t *testing.T, s *store.Store, stream moonfirefs.StreamID) (n int) {
	t.Helper()
	mustDo(t, s.DB.EachSummary(t.Context(), stream, moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(*moonfirefs.Summary) error {
		n++
		return nil
	}))
	return n
}

// TestSizesWhileRecording ensures that, while recording goes on, the size of
// each file is the number of bytes read, and that a handle on the growing hour
// keeps its version to the end.
func TestSizesWhileRecording(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path, mountpoint := newStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, 1)

	old, err := os.Open(files(t, mountpoint)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	before, err := old.Stat()
	if err != nil {
		t.Fatal(err)
	}

	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { hammer(t, mountpoint, stop) })
	}
	waitForRecordings(t, path, 50)
	close(stop)
	wg.Wait()

	after, err := old.Stat()
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, before.Size())
	n, err := old.ReadAt(data, 0)
	if err != nil || int64(n) != before.Size() || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the old handle: %d of %d bytes (%v); then size %d", n, before.Size(), err, after.Size())
	}
	copied := t.TempDir() + "/old.mp4"
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if len(playedFrames(t, []string{copied})) == 0 {
		t.Error("the old version has no frames")
	}
	recorder.stop()
}

// hammer reads all files of a mount again and again: many times while a recording is made,
// but not as often as the processor can.
func hammer(t *testing.T, mountpoint string, stop <-chan struct{}) {
	const pause = 20 * time.Millisecond
	for {
		select {
		case <-stop:
			return
		case <-time.After(pause):
		}
		for _, path := range files(t, mountpoint) {
			data, statSize, err := readWhole(path)
			if err != nil || int64(len(data)) != statSize {
				t.Errorf("%s: stat says %d, read %d bytes, %v", path, statSize, len(data), err)
				return
			}
		}
	}
}

// TestSameBytes ensures that two mounts of a store, one of them beside the
// recorder, and a later one, show the same bytes.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path, first, second := newStore(t), newMountpoint(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	recorder := start(t, "run", first, "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, 3)
	beside := start(t, "mount", second, "--store", path)
	beside.saw("mounted")
	camera.Stop() // so that the hour stays as it is
	recorder.saw("no connection to the camera")
	wait.Until(t, "the last recording to be committed", func() bool {
		journals, err := filepath.Glob(filepath.Join(path, "samples", "*.journal"))
		mustDo(t, err)
		return len(journals) == 0
	})
	settled := digests(t, first)
	if diff := cmp.Diff(settled, digests(t, second)); diff != "" {
		t.Errorf("-the recorder shows +the mount beside it:\n%s", diff)
	}
	recorder.stop()
	beside.stop()
	again := start(t, "mount", second, "--store", path)
	again.saw("mounted")
	if diff := cmp.Diff(settled, digests(t, second)); diff != "" {
		t.Errorf("-the recorder showed +a later mount:\n%s", diff)
	}
}

// digests lists names, times and digests of all files.
func digests(t *testing.T, mountpoint string) string {
	t.Helper()
	var list strings.Builder
	for _, path := range files(t, mountpoint) {
		data, _, err := readWhole(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&list, "%s %v %x\n", strings.TrimPrefix(path, mountpoint), info.ModTime().UTC(), sha256.Sum256(data))
	}
	return list.String()
}
