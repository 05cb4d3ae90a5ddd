// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"encoding/json"
	"testing"
)

// Ensures that ffprobe finds the metadata that players show.
func TestMetadata(t *testing.T) {
	s := hour(t, h264)
	s.spec.Timestamps = true
	s.spec.Title = "driveway 2026-11-22 12:00"
	s.spec.Description = "Über the garage – “left”"
	out := run(t, "ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", s.write(t))
	var probe struct {
		Format struct {
			Duration string
			Tags     map[string]string
		}
		Streams []struct {
			Codec       string `json:"codec_name"`
			Duration    string
			Width       int
			Disposition map[string]int
			Tags        map[string]string
		}
	}
	if err := json.Unmarshal([]byte(out), &probe); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"title": s.spec.Title, "description": s.spec.Description,
		"date": "2026-11-22T12:00:00-05:00", "creation_time": "2026-11-22T17:00:00.000000Z",
		"major_brand": "isom",
	}
	for key, value := range want {
		if got := probe.Format.Tags[key]; got != value {
			t.Errorf("%s is %q, want %q", key, got, value)
		}
	}
	if len(probe.Streams) != 2 || probe.Format.Duration != "10.000000" {
		t.Fatalf("%d streams, %s seconds", len(probe.Streams), probe.Format.Duration)
	}
	video, text := probe.Streams[0], probe.Streams[1]
	if video.Codec != "h264" || text.Codec != "mov_text" || video.Duration != text.Duration || video.Width != 320 {
		t.Errorf("video %+v, text %+v", video, text)
	}
	if video.Disposition["default"] != 1 || text.Disposition["default"] != 0 {
		t.Error("want video by default, timestamps on demand")
	}
}

// Ensures that a file without title and description is as good.
func TestWithoutMetadata(t *testing.T) {
	s := hour(t, h264)
	s.spec.Title = ""
	decode(t, s.write(t))
}
