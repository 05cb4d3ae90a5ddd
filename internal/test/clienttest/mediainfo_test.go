// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// mediainfo only tells about files.
type mediainfo struct{ *viewer }

func (*mediainfo) name(t *testing.T) string { return "MediaInfo " + debianVersion(t, "mediainfo") }

func (mi *mediainfo) play(t *testing.T, path string, m *movie) {
	var report struct {
		Media struct {
			Track []struct {
				Type       string `json:"@type"`
				Duration   string
				FrameCount string
				// What MediaInfo says of files that are damaged.
				IsTruncated string
				Extra       struct{ ConformanceErrors, IsTruncated json.RawMessage } `json:"extra"`
			}
		}
	}
	out := mi.run(t, "mediainfo", "--Output=JSON", path)
	if err := json.Unmarshal(out, &report); err != nil || len(report.Media.Track) < 2 {
		t.Fatalf("mediainfo says %s (%v)", out, err)
	}
	for _, track := range report.Media.Track {
		if track.IsTruncated != "" || track.Extra.IsTruncated != nil || track.Extra.ConformanceErrors != nil {
			t.Errorf("%s: mediainfo says %s", path, out)
		}
		if track.Type == "Text" {
			continue
		}
		sameDuration(t, m, track.Type, parseSeconds(t, track.Duration))
		if frames := fmt.Sprint(len(m.counters())); track.Type != "Audio" && track.FrameCount != frames {
			t.Errorf("%s: %s has %s frames, want %s", path, track.Type, track.FrameCount, frames)
		}
	}
}

func (mi *mediainfo) hear(t *testing.T, path string, m *movie) {
	out := string(mi.run(t, "mediainfo", "--Inform=Audio;%Format% %SamplingRate% %SamplingCount%", path))
	var format string
	var rate, samples int
	if _, err := fmt.Sscan(out, &format, &rate, &samples); err != nil || format != "AAC" || rate != teststore.AudioRate {
		t.Fatalf("mediainfo says %q (%v)", out, err)
	}
	sameSound(t, m, samples)
}
