// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// gstreamer is what GNOME's players are made of.
type gstreamer struct{ *viewer }

func (*gstreamer) name(t *testing.T) string {
	return "GStreamer " + debianVersion(t, "gstreamer1.0-tools")
}

// discovered is a duration as gst-discoverer prints it.
var discovered = regexp.MustCompile(`Duration: (\d+):(\d+):(\d+\.\d+)`)

// grayPictures ends a pipeline with the pictures that readCounters reads.
var grayPictures = strings.Fields(fmt.Sprintf("videoconvert ! videoscale ! video/x-raw,format=GRAY8,width=%d,height=%d !", grayWidth, grayHeight))

func (g *gstreamer) play(t *testing.T, path string, m *movie) {
	out := string(g.run(t, "gst-discoverer-1.0", path))
	match := discovered.FindStringSubmatch(out)
	if match == nil || strings.Contains(strings.ToLower(out), "error") {
		t.Fatalf("gst-discoverer says %s", out)
	}
	seconds := parseSeconds(t, match[1])*3600 + parseSeconds(t, match[2])*60 + parseSeconds(t, match[3])
	sameDuration(t, m, "the file", seconds)
	decoder := "h264parse ! avdec_h264"
	if m.codec() == teststore.H265 {
		decoder = "h265parse ! avdec_h265"
	}
	args := append([]string{"-q", "filesrc", "location=" + path, "!", "qtdemux", "!"}, strings.Fields(decoder+" !")...)
	args = append(append(args, grayPictures...), "fdsink")
	shown := readCounters(t, bytes.NewReader(g.run(t, "gst-launch-1.0", args...)))
	want := m.counters()
	if missing := len(want) - len(shown); missing > 0 && missing <= len(m.leadIn()) && slices.Equal(shown, want[:len(shown)]) {
		players.except(g.name(t), "clip by name", gstreamerClips)
		return
	}
	sameCounters(t, m, shown)
}

// gstreamerClips was found with GStreamer 1.22: its demultiplexer compares the
// times of samples, which count from the beginning of the lead-in, with the
// duration in mvhd, which is that of the presentation.
const gstreamerClips = "GStreamer plays a clip from its first picture on, but ends before the last one, by the length of the hidden lead-in: less than a group of pictures, as a rule a second or a few."

func (g *gstreamer) hear(t *testing.T, path string, m *movie) {
	pipeline := "-q filesrc location=" + path + " ! qtdemux name=demux demux.audio_0 ! aacparse ! avdec_aac ! audioconvert ! audio/x-raw,format=S16LE ! fdsink"
	sameSound(t, m, len(g.run(t, "gst-launch-1.0", strings.Fields(pipeline)...))/pcmBytes)
}

// seek plays from a position to the end, as fast as it can.
func (g *gstreamer) seek(t *testing.T, path string, m *movie) {
	for _, position := range seekPositions(m) {
		position = position.Truncate(time.Second) // what gst-play understands
		counters := g.playFrom(t, path, position)
		near(t, m, position, counters[0], 1)
	}
}

// On a busy machine, gst-play has been seen to wait for ever instead of playing
// from a position, or to show nothing. Then it is asked again.
const (
	gstPlayAttempts = 3
	gstPlayPatience = 2 * time.Minute
)

func (g *gstreamer) playFrom(t *testing.T, path string, position time.Duration) []int {
	t.Helper()
	raw := filepath.Join(g.home, "pictures")
	sink := strings.Join(grayPictures, " ") + " filesink location=" + raw
	for attempt := 1; ; attempt++ {
		cmd := g.command("gst-play-1.0", "--no-interactive", "--audiosink=fakesink", "--videosink="+sink,
			fmt.Sprintf("--start-position=%d", int(position.Seconds())), path)
		var output bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		err := finish(cmd, gstPlayPatience)
		counters := readRawFile(t, raw)
		if err == nil && len(counters) > 0 {
			return counters
		}
		if attempt == gstPlayAttempts {
			t.Fatalf("gst-play at %v of %s: %d pictures, %v: %s", position, path, len(counters), err, &output)
		}
		t.Logf("gst-play at %v of %s, attempt %d: %d pictures, %v: %s", position, path, attempt, len(counters), err, &output)
	}
}

// readRawFile reads the numbers of the pictures that a pipeline has written, none
// if it was ended in the middle of one, and removes the file.
func readRawFile(t *testing.T, path string) []int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil || len(data)%grayBytes != 0 {
		return nil
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	return readCounters(t, bytes.NewReader(data))
}
