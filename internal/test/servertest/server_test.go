// SPDX-License-Identifier: GPL-3.0-or-later

package servertest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/gstserver"
)

const (
	// missing is how much may be missing at either end: before the first key frame,
	// and what is under way when the server ends.
	missing = 6 * time.Second
	// unreported is how much more of the beginning mediamtx may drop: it passes nothing
	// on before the publisher's first sender report.
	unreported = 6 * time.Second
	// soundTolerance is how much sound and picture may be apart.
	soundTolerance = 40 * time.Millisecond
)

// packet is a frame of a stream: the digest of its pixels, or of its bytes.
type packet struct {
	digest string
	at     time.Duration
}

// packets lists a stream of a file in order.
func packets(t *testing.T, path string, args ...string) (all []packet) {
	t.Helper()
	args = append([]string{"-v", "error", "-i", path}, args...)
	seconds, parts := int64(0), int64(1) // a unit is this fraction
	for line := range strings.Lines(run(t, "ffmpeg", append(args, "-f", "framemd5", "-")...)) {
		if strings.HasPrefix(line, "#") {
			if base, ok := strings.CutPrefix(line, "#tb 0: "); ok {
				if _, err := fmt.Sscanf(base, "%d/%d", &seconds, &parts); err != nil {
					t.Fatalf("%s: %q: %v", path, line, err)
				}
			}
			continue
		}
		fields := strings.Split(line, ",")
		pts, err := strconv.ParseInt(strings.TrimSpace(fields[2]), 10, 64)
		if err != nil {
			t.Fatalf("%s: %q: %v", path, line, err)
		}
		all = append(all, packet{strings.TrimSpace(fields[5]), time.Duration(pts*seconds) * time.Second / time.Duration(parts)})
	}
	return all
}

// pictures are decoded: what a server adds to a frame, such as parameter sets,
// makes no difference.
func pictures(t *testing.T, path string) []packet {
	t.Helper()
	return packets(t, path, "-map", "0:v", "-fps_mode", "passthrough")
}

func sounds(t *testing.T, path string) []packet {
	t.Helper()
	return packets(t, path, "-map", "0:a", "-c", "copy")
}

// footage is what is published: arguments of ffmpeg, and for GStreamer how it is sent.
// clocksync makes frames come when they are due, as from a camera.
var footage = map[string]struct {
	encode   []string
	pipeline string
	sound    bool
}{
	"H.264 with AAC": {
		[]string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "30", "-c:a", "copy"},
		"d.video_0 ! queue ! h264parse config-interval=-1 ! clocksync ! rtph264pay name=pay0 pt=96 d.audio_0 ! queue ! aacparse ! clocksync ! rtpmp4gpay name=pay1 pt=97", true,
	},
	"H.264 with Opus": {
		[]string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "30", "-c:a", "libopus"},
		"d.video_0 ! queue ! h264parse config-interval=-1 ! clocksync ! rtph264pay name=pay0 pt=96 d.audio_0 ! queue ! opusparse ! clocksync ! rtpopuspay name=pay1 pt=97", true,
	},
	"H.265": {
		[]string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=0:keyint=30", "-an"},
		"d.video_0 ! queue ! h265parse config-interval=-1 ! clocksync ! rtph265pay name=pay0 pt=96", false,
	},
}

// server is one of another project.
type server struct {
	// publish publishes a file, from its beginning on, when the stream is read.
	publish func(t *testing.T, source string) (url string)
	// missing is how much of the beginning may be missing.
	missing time.Duration
}

// TestStockServer ensures that what ffmpeg publishes by way of another project's RTSP
// server is recorded frame by frame, without a loss between the first and the last,
// and sound in step with the picture.
func TestStockServer(t *testing.T) {
	for name, f := range footage {
		servers := map[string]server{
			"GStreamer": {func(t *testing.T, source string) string { return gstreamer(t, source, f.pipeline) }, missing},
		}
		if *mediamtx != "" {
			servers["mediamtx"] = server{publishToMediamtx, missing + unreported}
		}
		for other, s := range servers {
			t.Run(name+" from "+other, func(t *testing.T) {
				t.Parallel()
				source := encode(t, f.encode)
				paths := record(t, s.publish(t, source))
				shown := s.comparePictures(t, pictures(t, source), paths)
				if f.sound {
					s.compareSound(t, sounds(t, source), paths, shown)
				}
			})
		}
	}
}

// encode makes the source.
func encode(t *testing.T, args []string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "source.mkv")
	seconds := strconv.FormatFloat(length.Seconds(), 'f', 0, 64)
	// By way of a format that says nothing of the encoder's delay, which the server
	// would not know either.
	sound := filepath.Join(t.TempDir(), "sound.aac")
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "aevalsrc='0.2*sin(2*PI*(300+7*t)*t)':s=16000:d="+seconds, "-c:a", "aac", sound)
	run(t, "ffmpeg", slices.Concat([]string{
		"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=15:duration=" + seconds, "-i", sound, "-pix_fmt", "yuv420p",
	}, args, []string{path})...)
	return path
}

// gstreamer serves a file by GStreamer's RTSP server, to which ffmpeg sends it.
func gstreamer(t *testing.T, source, pipeline string) (url string) {
	t.Helper()
	port := freePort(t)
	begin(t, "ffmpeg", "-v", "error", "-re", "-i", source, "-c", "copy", "-f", "matroska", fmt.Sprintf("tcp://127.0.0.1:%d?listen=1", port))
	server := beginCommand(t, gstserver.Command(fmt.Sprintf("( tcpclientsrc host=127.0.0.1 port=%d ! matroskademux name=d %s )", port, pipeline)))
	return gstserver.URL(<-server.firstLine, 0)
}

// publishToMediamtx serves a file by mediamtx, to which ffmpeg publishes it as soon as
// somebody reads.
func publishToMediamtx(t *testing.T, source string) (url string) {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	url = "rtsp://" + address + "/stream"
	settings := []string{
		"rtspAddress: " + address, "rtspTransports: [tcp]",
		"paths:", "  stream:", "    useAbsoluteTimestamp: true",
		"    runOnDemand: ffmpeg -v error -re -i " + source + " -c copy -f rtsp -rtsp_transport tcp " + url,
	}
	path := filepath.Join(t.TempDir(), "mediamtx.yml")
	if err := os.WriteFile(path, []byte(strings.Join(settings, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	var command []string
	for _, other := range []string{"RTMP", "HLS", "WEBRTC", "SRT", "MOQ"} { // in a file, a version refuses those that it does not have
		command = append(command, "MTX_"+other+"=no")
	}
	<-begin(t, "env", append(command, *mediamtx, path)...).firstLine
	return url
}

// record records a stream, and returns the files in the mount.
func record(t *testing.T, url string) []string {
	t.Helper()
	dir, err := os.MkdirTemp("", "moonfirefs-servertest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	storePath, mountpoint := filepath.Join(dir, "store"), filepath.Join(dir, "mnt")
	if err := os.Mkdir(mountpoint, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, binary, "init", "--store", storePath, "--time-zone", "UTC")
	run(t, binary, "camera", "add", "--store", storePath, "stock", url, "--retain", "1GB", "--no-test")
	recorder := begin(t, binary, "run", mountpoint, "--store", storePath)
	time.Sleep(*length - missing/2) // ffmpeg publishes in real time
	recorder.end(syscall.SIGTERM)
	run(t, binary, "check", "--store", storePath, "--index", "--hash")
	mount := begin(t, binary, "mount", mountpoint, "--store", storePath)
	t.Cleanup(func() { mount.end(syscall.SIGTERM) }) // before the folder is removed
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		paths, err := filepath.Glob(filepath.Join(mountpoint, "stock", "*-*-*", "*.mp4"))
		if err != nil {
			t.Fatal(err)
		}
		if len(paths) > 0 {
			slices.Sort(paths)
			return paths
		}
	}
	t.Fatal("nothing is in the mount")
	return nil
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// comparePictures requires the pictures of all files together to be a piece of the
// source. It returns for each file when its first picture is shown, less when it is
// shown in the source.
func (s *server) comparePictures(t *testing.T, source []packet, paths []string) (shown []time.Duration) {
	t.Helper()
	first, next := -1, -1
	for _, path := range paths {
		for i, p := range pictures(t, path) {
			if next < 0 {
				first = slices.IndexFunc(source, func(q packet) bool { return q.digest == p.digest })
				next = first
			}
			if next < 0 || next >= len(source) || source[next].digest != p.digest {
				t.Fatalf("%s: picture %d is not picture %d of the source", path, i, next)
			}
			if i == 0 {
				shown = append(shown, p.at-source[next].at)
			}
			next++
		}
	}
	s.requirePiece(t, "pictures", source, first, next)
	return shown
}

// compareSound is comparePictures for the sound, and requires it to be in step.
func (s *server) compareSound(t *testing.T, source []packet, paths []string, shown []time.Duration) {
	t.Helper()
	first, next := -1, -1
	var latest time.Duration
	for file, path := range paths {
		silence := true // up to the first sound of a file
		for i, p := range sounds(t, path) {
			if next < 0 {
				first = slices.IndexFunc(source, func(q packet) bool { return q.digest == p.digest })
				next = first
			}
			if silence = silence && next < len(source) && (next < 0 || source[next].digest != p.digest); silence {
				continue
			}
			if next >= len(source) || source[next].digest != p.digest {
				t.Fatalf("%s: sound %d is not sound %d of the source", path, i, next)
			}
			late := p.at - source[next].at - shown[file]
			if latest = max(latest, late.Abs()); late.Abs() > soundTolerance && i > 0 {
				t.Fatalf("%s: sound %d is out of step by %v", path, i, late)
			}
			next++
		}
	}
	s.requirePiece(t, "samples of audio", source, first, next)
	t.Logf("sound and picture are %v apart at most", latest)
}

// requirePiece requires little to be missing.
func (s *server) requirePiece(t *testing.T, what string, source []packet, first, next int) {
	t.Helper()
	if first < 0 {
		t.Fatalf("no %s", what)
	}
	t.Logf("%d of %d %s, from the %d-th on", next-first, len(source), what, first)
	if begin, end := source[first].at, source[len(source)-1].at-source[next-1].at; begin > s.missing || end > missing {
		t.Errorf("%s: the first %v and the last %v are missing", what, begin, end)
	}
}
