// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/mp4test"
)

// goldenDigests are of the files that golden makes, for FormatVersion 1. To
// change one of them is to change FormatVersion.
var goldenDigests = map[string]string{
	"excerpt":    "3edb2a2ec1df0ef5416c697b02c2cfb0080fd05ab6b9a9f9e873099966774d08",
	"collapsed":  "554c60975afcb6581ad6ed875782fb905ecf1f2f3d102227d8c77fba15477255",
	"plain":      "cab126fe70cf57bcab4a0264c2f1d4e3ae9b08d8c7418f52375d2ecd23103f67",
	"reordered":  "f3b142cd56636907a1f6910bd868f0f0fd3a2c118ce8a4767621d76c9cbcf5ae",
	"audio":      "f145249fc32aceb438d6c3f57b71ab55ea0822004466181fbd1f678ab4035215",
	"opus":       "435a45492f43fa119eea5b5ed204649dd3837dd1f25e62c0cc3c778378c0ffd1",
	"recovery":   "bc6488bd5fc067859df10d314f51bc13203f60b624e7cd39f33f4048873f126a",
	"timestamps": "14ddd204b12291ac8d538340282bfa2b98a51a2afe700ecf1cd1ed0ef0381738",
}

// golden makes one file of each kind: two recordings that touch, a gap of eight
// seconds behind a trailing zero, an overlap, a recording without sync samples.
func golden() map[string]*store {
	made := map[string]*store{}
	for _, name := range []string{"plain", "timestamps", "collapsed", "excerpt", "reordered", "audio", "opus", "recovery"} {
		s := &store{spec: Spec{
			Entry: moonfirefs.NewVideoSampleEntry(bareEntry(), 640, 360, 4, 3, ""),
			Zone:  time.FixedZone("", -5*3600),
			Title: "driveway 2026-11-22 12:00", Description: "Front door – “Ä”",
			Timestamps: name != "plain",
		}}
		s.add(noon, goldenFrames(100, 25))
		if name == "audio" || name == "opus" {
			s.addAudio(1234, goldenAudio(100))
		}
		s.addTrailingZero(s.end90k(), goldenFrames(60, 20))
		s.add(s.end90k()+8*second, goldenFrames(75, 75))
		s.add(s.end90k()-second, goldenFrames(30, 1000)[1:])
		switch name {
		case "reordered":
			s.add(s.end90k(), reorderedFrames(31))
		case "audio":
			s.spec.Audio = alawEntry()
			s.addAudio(150, goldenAudio(20))
		case "recovery":
			s.spec.Entry = s.spec.Entry.WithRecovery(24)
		case "opus":
			s.spec.Audio = opusEntry()
			s.addAudio(150, goldenAudio(20))
		case "collapsed":
			s.spec.Gaps = GapsCollapse
		case "excerpt":
			s.spec.Excerpt = &moonfirefs.Interval{Start90k: noon + 12345, End90k: noon + 10*second}
		}
		made[name] = s
	}
	return made
}

// goldenAudio is a chunk of audio behind every ten frames.
func goldenAudio(frames int) (chunks []audioChunk) {
	for i := range frames / 10 {
		c := audioChunk{Frames: 10}
		for k := range 20 {
			data := bytes.Repeat([]byte{byte(i + k)}, 160)
			c.Samples = append(c.Samples, mp4test.NewAudioSample(int32(1800+k%3), data))
		}
		chunks = append(chunks, c)
	}
	return chunks
}

// goldenFrames are n frames of plain arithmetic, a sync sample first and then
// every so many.
func goldenFrames(n, syncEvery int) []frame {
	frames := make([]frame, n)
	for i := range frames {
		frames[i].Data = bytes.Repeat([]byte{byte(i)}, 100+i*37%91)
		frames[i].Sample = moonfirefs.Sample{
			Duration90k: int32(3600 + i*13%7), Bytes: int32(len(frames[i].Data)), Sync: i%syncEvery == 0,
		}
	}
	return frames
}

// Ensures that the same Spec gives the same bytes, on every machine and for ever.
func TestGoldenDigests(t *testing.T) {
	if FormatVersion != 1 {
		t.Fatal("these digests are of format version 1")
	}
	for name, s := range golden() {
		if s.spec.Audio != nil {
			checkAudio(t, s)
		} else if name != "recovery" { // see TestRecoveryGroup

			checkBoxes(t, s)
		}
		sum := sha256.Sum256(s.whole(t))
		if got := hex.EncodeToString(sum[:]); got != goldenDigests[name] {
			t.Errorf("%s: got %s, want %s", name, got, goldenDigests[name])
		}
	}
}

// Ensures that neither the local zone nor the ids in the database are in the
// bytes.
func TestBytesDependOnTheSpecAlone(t *testing.T) {
	local := time.Local
	defer func() { time.Local = local }()
	for name, s := range golden() {
		before := s.whole(t)
		time.Local = time.FixedZone("elsewhere", 9*3600)
		for i := range s.spec.Recordings {
			s.spec.Recordings[i].ID += 1000
			s.spec.Recordings[i].VideoSampleEntry += 1000
			s.spec.Recordings[i].RunOffset += 1000
		}
		entry := *s.spec.Entry
		entry.ID += 1000
		s.spec.Entry = &entry
		if !bytes.Equal(before, s.whole(t)) {
			t.Errorf("%s: other bytes", name)
		}
	}
}
