// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"bytes"
	"image/png"
	"os/exec"
	"slices"
	"testing"
)

// decodedCounters decodes access units with ffmpeg, at another size, and reads
// the counter of each picture.
func decodedCounters(t *testing.T, codec Codec, units [][][]byte) (counters []int) {
	t.Helper()
	var byteStream bytes.Buffer
	for _, nals := range units {
		for _, nal := range nals {
			byteStream.Write([]byte{0, 0, 0, 1})
			byteStream.Write(nal)
		}
	}
	_, name := codec.inFFmpeg()
	command := exec.Command("ffmpeg", "-loglevel", "error", "-f", name, "-i", "pipe:0",
		"-vf", "scale=256:144", "-fps_mode", "passthrough", "-c:v", "png", "-f", "image2pipe", "pipe:1")
	command.Stdin = &byteStream
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	for reader := bytes.NewReader(output); reader.Len() > 0; {
		picture, err := png.Decode(reader)
		if err != nil {
			t.Fatal(err)
		}
		counter, ok := ReadCounter(picture)
		if !ok {
			t.Fatalf("picture %d has no counter", len(counters))
		}
		counters = append(counters, counter)
	}
	return counters
}

// Each access unit of a media is one picture with the number that it is said to
// have, and key frames, with their parameter sets, are where they were asked for.
func TestEncode(t *testing.T) {
	for codec, types := range map[Codec]struct{ delimiter, set byte }{H264: {9, 7}, H265: {35, 33}} {
		t.Run(string(codec), func(t *testing.T) {
			media, err := Encode(t.Context(), Params{FPS: 10, GOP: 4, Codec: codec}, 25)
			if err != nil {
				t.Fatal(err)
			}
			var units [][][]byte
			for i, au := range media.AccessUnits {
				units = append(units, au.NALs)
				if au.Counter != i || au.PTS90k != int64(i)*9000 || au.Sync != (i%4 == 0) {
					t.Errorf("access unit %d: counter %d, time %d, sync %v", i, au.Counter, au.PTS90k, au.Sync)
				}
				hasSet := slices.ContainsFunc(au.NALs, func(nal []byte) bool { return codec.nalType(nal) == types.set })
				if codec.nalType(au.NALs[0]) != types.delimiter || hasSet != au.Sync {
					t.Errorf("access unit %d: begins with %x, parameter sets: %v", i, au.NALs[0], hasSet)
				}
			}
			counters := decodedCounters(t, codec, units)
			if len(counters) != 25 {
				t.Fatalf("%d pictures", len(counters))
			}
			for i, counter := range counters {
				if counter != i {
					t.Errorf("picture %d shows %d", i, counter)
				}
			}
		})
	}
}

// With B-frames, access units have the numbers of their pictures, which come out of a
// decoder in order; none is sent before its picture is taken.
func TestEncodeReordered(t *testing.T) {
	tests := map[string]Params{
		"H.264":           {FPS: 10, GOP: 12, BFrames: 3},
		"H.265":           {FPS: 10, GOP: 12, BFrames: 4, Codec: H265},
		"H.265, open GOP": {FPS: 10, GOP: 12, BFrames: 4, Codec: H265, OpenGOP: true},
	}
	for name, p := range tests {
		t.Run(name, func(t *testing.T) {
			media, err := Encode(t.Context(), p, 40)
			if err != nil {
				t.Fatal(err)
			}
			var units [][][]byte
			var numbers []int
			afterSync, open, latest := 0, false, -1
			for i, au := range media.AccessUnits {
				units, numbers = append(units, au.NALs), append(numbers, au.Counter)
				if au.Sync {
					afterSync = au.Counter
				}
				open = open || au.Counter < afterSync
				latest = max(latest, au.Counter)
				if au.PTS90k != int64(au.Counter)*9000 || int64(latest) > int64(i)+media.delay() {
					t.Errorf("access unit %d: counter %d, time %d", i, au.Counter, au.PTS90k)
				}
			}
			if slices.IsSorted(numbers) || open != p.OpenGOP || media.delay() == 0 {
				t.Errorf("sent in the order %v", numbers)
			}
			slices.Sort(numbers)
			if counters := decodedCounters(t, p.Codec, units); !slices.Equal(counters, numbers) {
				t.Errorf("shown in the order %v", counters)
			}
		})
	}
}

func TestJoin(t *testing.T) {
	small, err := Encode(t.Context(), Params{}, 3)
	if err != nil {
		t.Fatal(err)
	}
	large, err := Encode(t.Context(), Params{Width: 640, Height: 360}, 2)
	if err != nil {
		t.Fatal(err)
	}
	joined := Join(small, large)
	for i, want := range []int{0, 1, 2, 0, 1} {
		if au := joined.AccessUnits[i]; au.Counter != want || au.PTS90k != int64(i)*6000 {
			t.Errorf("access unit %d: counter %d, time %d", i, au.Counter, au.PTS90k)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, p := range []Params{{Width: 321, Height: 180}, {Width: 64, Height: 64}, {FPS: -1}, {Codec: "vp8"}, {OpenGOP: true}, {BFrames: -1}} {
		if _, err := Encode(t.Context(), p, 1); err == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
}

func TestFFmpegIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Encode(t.Context(), Params{}, 1)
	if want := "test camera: ffmpeg is not installed (apt install ffmpeg)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	live, err := NewLive(Params{})
	if err != nil {
		t.Fatal(err)
	}
	if camera, err := Start(Config{Source: live}); err == nil {
		camera.Close()
		t.Error("a live camera starts without ffmpeg")
	}
}

// splitAccessUnits finds the same units however the bytes arrive.
func TestSplitAccessUnits(t *testing.T) {
	for _, codec := range []Codec{H264, H265} {
		delimiter := codec.delimiter()
		byteStream := append(bytes.Repeat(append(bytes.Clone(delimiter), 0xf0, 0, 0, 1, 0x65, 7), 3), 8, 9)
		rest, count := byteStream, 0
		for len(rest) > 0 {
			for size := 1; ; size++ {
				atEOF := size >= len(rest)
				advance, token, err := codec.splitAccessUnits(rest[:min(size, len(rest))], atEOF)
				if err != nil {
					t.Fatal(err)
				}
				if advance > 0 {
					if !bytes.HasPrefix(token, delimiter) || bytes.Count(token, delimiter) != 1 {
						t.Errorf("%s: unit %x", codec, token)
					}
					rest = rest[advance:]
					break
				}
			}
			count++
		}
		if count != 3 {
			t.Errorf("%s: %d units, want 3", codec, count)
		}
	}
}
