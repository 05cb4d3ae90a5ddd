// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"encoding/binary"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/demux"
)

// beeps are a second apart, as flashes are: what ffmpeg's AAC encoder makes of
// them, and its configuration.
func beeps(t *testing.T, channels int) (samples [][]byte, entry *moonfirefs.AudioSampleEntry) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "beeps.mp4")
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "aevalsrc='if(lt(mod(t,1),0.1),0.8*sin(2*PI*1000*t),0)':s=16000:d=12",
		"-c:a", "aac", "-ac", strconv.Itoa(channels), path)
	track, err := demux.File(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range track.Samples {
		samples = append(samples, s.Data)
	}
	return samples, moonfirefs.NewAudioSampleEntry(track.Entry, 16000, uint16(channels), 1024, "mp4a.40.2")
}

// onsets finds where in a file audio begins after silence, in seconds.
func onsets(t *testing.T, path string) (at []float64) {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-map", "0:a",
		"-af", "aresample=async=1:min_hard_comp=0.001:first_pts=0", "-ar", "16000", "-ac", "1", "-f", "s16le", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	last := -16000
	for i := range len(out) / 2 {
		if v := int16(binary.LittleEndian.Uint16(out[2*i:])); v > 8000 || v < -8000 {
			if i-last > 8000 {
				at = append(at, float64(i)/16000)
			}
			last = i
		}
	}
	return at
}

// TestAudioStaysInStep ensures that ffmpeg hears each beep when its picture is
// shown, before and after a gap, and finds nothing wrong with the silence in it.
func TestAudioStaysInStep(t *testing.T) {
	for _, channels := range []int{1, 2} {
		samples, entry := beeps(t, channels)
		s := hour(t, h264)
		made := newStore(t, mustFootage(t, h264))
		made.spec.Audio = entry
		// Each second of audio is 15.625 samples: a recording of three seconds has
		// those that begin in it. The last recording comes 7.3 seconds late.
		next := 0
		for i, frames := range s.Frames {
			start90k := s.Recordings[i].Start90k
			if i == 3 {
				start90k += 73 * moonfirefs.UnitsPerSecond / 10
			}
			made.Add(start90k, frames)
			first90k, end90k := moonfirefs.Duration90k(i)*270000, moonfirefs.Duration90k(i+1)*270000
			offset90k := moonfirefs.Duration90k(next)*5760 - first90k
			chunk := AudioChunk{Frames: int32(len(frames)) - 5}
			for ; next < len(samples) && moonfirefs.Duration90k(next)*5760 < end90k; next++ {
				chunk.Samples = append(chunk.Samples, NewAudioSample(5760, samples[next]))
			}
			made.AddAudio(offset90k, []AudioChunk{chunk})
		}
		path := made.write(t)
		run(t, "ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-")
		got := onsets(t, path)
		// The encoder's delay is one sample of 64 ms.
		want := []float64{0.064, 1.064, 2.064, 3.064, 4.064, 5.064, 6.064, 7.064, 8.064, 16.364}
		if len(got) < len(want) {
			t.Fatalf("beeps at %v, want %v", got, want)
		}
		for i := range want {
			if d := got[i] - want[i]; d < -0.005 || d > 0.005 {
				t.Errorf("%d channels: beep %d at %v, want %v", channels, i, got[i], want[i])
			}
		}
		if probed := run(t, "ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path); strings.Join(strings.Fields(probed), " ") != "h264 aac" {
			t.Errorf("ffprobe finds %q", probed)
		}
	}
}
