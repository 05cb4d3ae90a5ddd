// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// soundTolerance is how much sound and picture may be apart.
const soundTolerance = 40 * time.Millisecond

// playedPackets lists the packets of one kind of stream of files in order.
func playedPackets(t *testing.T, paths []string, stream string) (packets []playedFrame) {
	t.Helper()
	for _, path := range paths {
		packets = append(packets, parsePackets(t, path, tool(t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:"+stream, "-c", "copy",
			"-enc_time_base", "1:90000", "-f", "framemd5", "-"))...)
	}
	return packets
}

// playedTracks lists the packets of both kinds of stream of a file in order. One without
// sound has none. (Asked for nothing but sound that is not there, ffmpeg takes the pictures.)
func playedTracks(t *testing.T, path string) (video, audio []playedFrame) {
	t.Helper()
	text := tool(t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-map", "0:a?", "-c", "copy",
		"-enc_time_base", "1:90000", "-f", "framemd5", "-")
	return parseTrack(t, path, text, "0"), parseTrack(t, path, text, "1")
}

// silentAAC is the digest of a frame of silence of one channel, with which the time until the
// first frame of a file is filled (design/mp4.md).
var silentAAC = hexMD5([]byte{0, 0, 0, 0x07})

// playedHours is playedTracks of the hours of a run, on the time line of the first of them, as
// if they were one file: those that follow have no silence in front.
func playedHours(t *testing.T, paths ...string) (video, audio []playedFrame) {
	t.Helper()
	for _, path := range paths {
		pictures, sounds := playedTracks(t, path)
		if n := len(video); n > 1 {
			frame90k := (video[n-1].pts90k - video[0].pts90k) / int64(n-1)
			later90k := video[n-1].pts90k + frame90k - pictures[0].pts90k
			for _, frames := range [][]playedFrame{pictures, sounds} {
				for i := range frames {
					frames[i].pts90k += later90k
				}
			}
			sounds = withoutSilence(sounds)
		}
		video, audio = append(video, pictures...), append(audio, sounds...)
	}
	return video, audio
}

// withoutSilence leaves out the silence in front: where the sound of a recording before lasts
// longer than its pictures, as on a busy machine, that is some frames.
func withoutSilence(sounds []playedFrame) []playedFrame {
	for len(sounds) > 0 && sounds[0].md5 == silentAAC {
		sounds = sounds[1:]
	}
	return sounds
}

// parsePackets reads what ffmpeg's framemd5 says of a file from which one stream was taken.
func parsePackets(t *testing.T, path, text string) []playedFrame {
	t.Helper()
	return parseTrack(t, path, text, "0")
}

// parseTrack reads what ffmpeg's framemd5 says of a stream, by its number.
func parseTrack(t *testing.T, path, text, track string) (packets []playedFrame) {
	t.Helper()
	for line := range strings.Lines(text) {
		if _, base, ok := strings.Cut(line, "#tb "+track+": "); ok && strings.TrimSpace(base) != "1/90000" {
			t.Fatalf("%s: %s", path, line)
		}
		fields := strings.Split(line, ",")
		if strings.HasPrefix(line, "#") || fields[0] != track {
			continue
		}
		pts, err := strconv.ParseInt(strings.TrimSpace(fields[2]), 10, 64)
		if err != nil {
			t.Fatalf("%s: %q: %v", path, line, err)
		}
		packets = append(packets, playedFrame{strings.TrimSpace(fields[5]), pts})
	}
	return packets
}

func hexMD5(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

// audioFormat is how audio is encoded.
type audioFormat struct {
	codec testcamera.AudioCodec
	rate  int
}

var audio = onceForEach(func(f audioFormat) (*testcamera.Audio, error) {
	return testcamera.EncodeAudio(context.Background(), f.codec, f.rate, 30)
})

// mustEncodeAudio returns half a minute, which is encoded once.
func mustEncodeAudio(t *testing.T, codec testcamera.AudioCodec, rate int) *testcamera.Audio {
	t.Helper()
	sound, err := audio(audioFormat{codec, rate})
	mustDo(t, err)
	return sound
}

// TestSoundIsExact ensures that the sound that a camera sends is in the files, byte
// for byte, none lost or doubled where recordings meet, and in step with the
// picture, also behind a gap; and that the picture is what it is without sound.
func TestSoundIsExact(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]testcamera.Config{
		"AAC at 16 kHz, by sender reports":  {Audio: mustEncodeAudio(t, testcamera.AAC, 16000), Reports: true},
		"AAC at 48 kHz, sound that is late": {Audio: mustEncodeAudio(t, testcamera.AAC, 48000), Reports: true, AudioDelay: 300 * time.Millisecond},
		"A-law, by arrival":                 {Audio: mustEncodeAudio(t, testcamera.ALaw, 0)},
		"µ-law":                             {Audio: mustEncodeAudio(t, testcamera.ULaw, 0), Reports: true},
		"Opus":                              {Audio: mustEncodeAudio(t, testcamera.Opus, 0), Reports: true},
		"L16 at 16 kHz":                     {Audio: mustEncodeAudio(t, testcamera.L16, 16000), Reports: true},
		"AAC-LATM":                          {Audio: mustEncodeAudio(t, testcamera.LATM, 16000), Reports: true},
		"AAC-LATM, configuration in-band":   {Audio: mustEncodeAudio(t, testcamera.LATMInBand, 32000), Reports: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var camera *testcamera.Camera
			var path, mountpoint string
			inTime(t, func() (log string) {
				camera, path, mountpoint = startCamera(t, config), newStore(t), newMountpoint(t)
				return recordTwice(t, camera, "", path, mountpoint)
			})
			mount := start(t, "mount", mountpoint, "--store", path)
			mount.saw("mounted")
			paths := files(t, mountpoint)
			footage := footageOf(t, path, 1, paths)
			compare(t, sentRuns(camera.Sent()), footage, maxUnfinished)
			requireSound(t, camera, config, wholeClip(t, mountpoint))
			requireSoundOfPart(t, config, footage.runs[0], mountpoint)
			for _, path := range paths {
				decode(t, path)
			}
			mustRun(t, "check", "--store", path, "--index", "--hash")
		})
	}
}

// wholeClip is a clip of all footage, so that times can be compared if an hour has
// begun meanwhile.
func wholeClip(t *testing.T, mountpoint string) string {
	t.Helper()
	now := time.Now()
	return clipOf(t, mountpoint, now.Add(-10*time.Minute), now.Add(10*time.Minute))
}

// requireSound compares the sound in a file with what was sent, and its times with
// those of the pictures.
func requireSound(t *testing.T, camera *testcamera.Camera, config testcamera.Config, path string) {
	t.Helper()
	sent := camera.SentAudio()
	ahead := soundAhead(camera, config, sent)
	offsets := pictureOffsets(playedPackets(t, []string{path}, "v"), camera.Sent())
	known := make(map[string]bool)
	for _, f := range config.Audio.Frames {
		known[hexMD5(f)] = true
	}
	played := playedPackets(t, []string{path}, "a")
	for run, offset := range offsets {
		for len(played) > 0 && !known[played[0].md5] { // silence
			played = played[1:]
		}
		var frames []testcamera.SentAudio
		for _, f := range sent {
			if f.Run == run+1 && (len(frames) > 0 || len(played) > 0 && hexMD5(f.Data) == played[0].md5) {
				frames = append(frames, f)
			}
		}
		var lates []time.Duration
		n := 0
		for n < len(frames) && n < len(played) {
			if played[n].md5 != hexMD5(frames[n].Data) {
				// A better estimate of when the sound was, where there are only arrivals to go
				// by, can move it by more than a frame.
				if config.Reports || known[played[n].md5] {
					break
				}
				played = slices.Delete(played, n, n+1)
				continue
			}
			shown := time.Duration(played[n].pts90k) * time.Second / 90000
			lates = append(lates, shown-offset-config.Audio.Elapsed(frames[n].Index)-ahead)
			n++
		}
		requireInStep(t, run, lates, config.Reports)
		// What is on its way when a connection ends is lost, of the picture as well.
		last := config.Audio.Elapsed(int64(len(frames) - n))
		if n == 0 || last > time.Second {
			t.Fatalf("run %d: of %d frames of sound, %d are played", run, len(frames), n)
		}
		played = played[n:]
	}
	if len(played) != 0 {
		t.Errorf("%d frames of sound are played that were never sent", len(played))
	}
}

// requireInStep requires the samples of sound of a run not to be later than the picture by
// more than what nobody notices, nor earlier. Without reports, a starved camera, or a
// recorder that reads it late, makes the first estimates bad: the last one counts.
func requireInStep(t *testing.T, run int, lates []time.Duration, reports bool) {
	t.Helper()
	first := 0
	for n := 1; n < len(lates) && !reports; n++ {
		if (lates[n] - lates[n-1]).Abs() > 10*time.Millisecond {
			first = n
		}
	}
	for n := first; n < len(lates); n++ {
		// The first one of a file has no silence before it that could be cut.
		if lates[n].Abs() > soundTolerance && (run > 0 || n > 0) {
			t.Fatalf("run %d: sound %d of %d is out of step by %v", run, n, len(lates), lates[n])
		}
	}
}

// requireSoundOfPart opens three seconds of the first run by their name, and requires
// them to have the sound of all of that time, in step with the picture as it is in a
// clip of everything.
func requireSoundOfPart(t *testing.T, config testcamera.Config, run recordedRun, mountpoint string) {
	t.Helper()
	part, whole := []string{threeSeconds(t, run, mountpoint)}, []string{wholeClip(t, mountpoint)}
	pictures, sound := playedPackets(t, part, "v"), playedPackets(t, part, "a")
	all := playedPackets(t, whole, "v")
	same := slices.IndexFunc(all, func(f playedFrame) bool { return f.md5 == pictures[0].md5 })
	if same < 0 {
		t.Fatal("the clip shows a picture that was not recorded")
	}
	shift90k := all[same].pts90k - pictures[0].pts90k
	all = playedPackets(t, whole, "a")
	// As in every file, the sound begins with silence, of other lengths than that of
	// the whole, or the first sample begins a little early.
	silent := 0
	for silent < len(sound) && !slices.ContainsFunc(config.Audio.Frames, func(f []byte) bool { return hexMD5(f) == sound[silent].md5 }) {
		silent++
	}
	for i, f := range sound[max(1, silent):] {
		inStep := func(w playedFrame) bool {
			late := time.Duration(f.pts90k+shift90k-w.pts90k) * time.Second / 90000
			return w.md5 == f.md5 && late.Abs() <= soundTolerance
		}
		if !slices.ContainsFunc(all, inStep) {
			t.Fatalf("sound %d of the clip behind %d of silence, at %d/90000 s, is out of step", i, silent, f.pts90k)
		}
	}
	// The clip begins with the picture that is shown at its start.
	const longest = 3*time.Second + time.Second/mediaFPS
	last := time.Duration(sound[len(sound)-1].pts90k)*time.Second/90000 + config.Audio.Elapsed(1)
	if first := sound[0].pts90k; first > 0 || last < 3*time.Second-soundTolerance || last > longest+config.Audio.Elapsed(2) {
		t.Errorf("the sound of three seconds lasts from %d/90000 s to %v", first, last)
	}
}

// soundAhead is how much earlier than it should the camera sent the sound, by the
// frames that it sent with the least delay: who has nothing but arrivals to go by
// cannot know better.
func soundAhead(camera *testcamera.Camera, config testcamera.Config, sent []testcamera.SentAudio) time.Duration {
	if config.Reports {
		return 0
	}
	var sound, picture time.Time
	for _, f := range sent {
		if began := f.Time.Add(-config.Audio.Elapsed(f.Index + 1)); sound.IsZero() || began.Before(sound) {
			sound = began
		}
	}
	for _, f := range camera.Sent() {
		if began := f.Time.Add(-time.Duration(f.PTS90k-firstPTS90k) * time.Second / 90000); picture.IsZero() || began.Before(picture) {
			picture = began
		}
	}
	return sound.Sub(picture)
}

// pictureOffsets is, for each run, when its pictures are shown minus when they
// happened.
func pictureOffsets(pictures []playedFrame, sent []testcamera.SentFrame) (offsets []time.Duration) {
	for _, run := range sentRuns(sent) {
		n := 0
		for n < len(run) && n < len(pictures) && pictures[n].md5 == asRecorded(run[n]) {
			n++
		}
		happened := time.Duration(run[0].PTS90k-firstPTS90k) * time.Second / 90000
		offsets = append(offsets, time.Duration(pictures[0].pts90k)*time.Second/90000-happened)
		pictures = pictures[n:]
	}
	return offsets
}

// firstPTS90k is the time stamp of a camera's first frame.
const firstPTS90k = 1_000_000_000
