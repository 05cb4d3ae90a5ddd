// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Ensures that a page that is put together recording by recording is what encoding/json makes
// of it as a whole, whatever a person has called the camera.
func TestEncodeFolder(t *testing.T) {
	all := []jsonStretch{
		{StartTime90k: 1, EndTime90k: 2, Bytes: 3, VideoSamples: 4, VideoSampleEntrySHA1: "ab", Width: 5, Height: 6},
		{StartTime90k: 1 << 50, EndTime90k: 2 << 50, Bytes: 3, Audio: &jsonAudio{"mp4a.40.2\u202e", 48000, 2}},
		{VideoSampleEntrySHA1: noRecordings},
	}
	for n := range len(all) + 1 {
		page := jsonFolder{
			TimeZoneName: "Europe/Zurich", jsonDevice: jsonDevice{Description: noRecordings + "\u202e"},
			jsonStream: jsonStream{Days: map[string]jsonDay{"2026-11-20": {}}},
			Events:     []jsonMark{{1, 2, noRecordings}},
		}
		got, err := encodeFolder(page, n, func(i int) jsonStretch { return all[i] })
		if err != nil {
			t.Fatal(err)
		}
		page.Recordings = all[:n]
		want, err := encodeJSON(page)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
			t.Errorf("%d recordings: -whole +by recording:\n%s", n, diff)
		}
	}
}
