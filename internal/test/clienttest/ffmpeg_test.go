// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
)

// ffmpeg stands for the many players that are made of its libraries.
type ffmpeg struct{ *viewer }

func (*ffmpeg) name(t *testing.T) string { return "ffmpeg " + debianVersion(t, "ffmpeg") }

func (f *ffmpeg) play(t *testing.T, path string, m *movie) {
	var probe struct {
		Streams []struct {
			Duration string
			Frames   string `json:"nb_frames"`
			Read     string `json:"nb_read_packets"`
		}
		Format struct{ Duration string }
	}
	out := f.run(t, "ffprobe", "-v", "error", "-of", "json", "-select_streams", "v", "-count_packets", "-show_streams", "-show_format", path)
	if err := json.Unmarshal(out, &probe); err != nil || len(probe.Streams) != 1 {
		t.Fatalf("ffprobe says %s (%v)", out, err)
	}
	stream := probe.Streams[0]
	sameDuration(t, m, "the file", parseSeconds(t, probe.Format.Duration))
	sameDuration(t, m, "the video", parseSeconds(t, stream.Duration))
	if frames := fmt.Sprint(len(m.leadIn()) + len(m.counters())); stream.Frames != frames || stream.Read != frames {
		t.Errorf("%s: %s frames announced, %s read, want %s", path, stream.Frames, stream.Read, frames)
	}
	pictures := f.run(t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-fps_mode", "passthrough",
		"-vf", fmt.Sprintf("scale=%d:%d", grayWidth, grayHeight), "-pix_fmt", "gray", "-f", "rawvideo", "-")
	sameCounters(t, m, readCounters(t, bytes.NewReader(pictures)))
}

func (f *ffmpeg) hear(t *testing.T, path string, m *movie) {
	pcm := f.run(t, "ffmpeg", "-v", "error", "-xerror", "-i", path, "-map", "0:a", "-f", "s16le", "-")
	sameSound(t, m, len(pcm)/pcmBytes)
}

func (f *ffmpeg) seek(t *testing.T, path string, m *movie) {
	for _, position := range seekPositions(m) {
		picture := f.run(t, "ffmpeg", "-v", "error", "-ss", fmt.Sprint(position.Seconds()), "-i", path, "-map", "0:v", "-frames:v", "1",
			"-vf", fmt.Sprintf("scale=%d:%d", grayWidth, grayHeight), "-pix_fmt", "gray", "-f", "rawvideo", "-")
		if counters := readCounters(t, bytes.NewReader(picture)); len(counters) != 1 {
			t.Errorf("%s: nothing at %v", path, position)
		} else {
			near(t, m, position, counters[0], 0)
		}
	}
}

func parseSeconds(t *testing.T, text string) float64 {
	t.Helper()
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seconds
}
