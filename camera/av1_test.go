// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"context"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

var av1Media = sync.OnceValues(func() (*testcamera.Media, error) {
	return testcamera.Encode(context.Background(), testcamera.Params{Codec: testcamera.AV1, BitrateKbps: 800}, 60)
})

// TestAV1FramesAreThoseSent ensures that temporal units come as they were sent, from the
// first key frame on.
func TestAV1FramesAreThoseSent(t *testing.T) {
	source, err := av1Media()
	if err != nil {
		t.Fatal(err)
	}
	camera := startCamera(t, testcamera.Config{Source: source})
	session := openSession(t, Config{URL: camera.URL()})
	frames := read(t, session, 40)
	if d := session.Description(); d.Codec != "AV1" {
		t.Errorf("%+v", d)
	}
	entry := frames[0].Entry
	if entry.RFC6381Codec != "av01.0.00M.08" || entry.Width != 320 || entry.Height != 180 || entry.Problem() != "" {
		t.Errorf("%+v", entry)
	}
	sent := camera.Sent()
	sent = sent[slices.IndexFunc(sent, func(f testcamera.SentFrame) bool { return f.Sync }):]
	for i, f := range frames {
		want, err := av1.Bitstream(sent[i].NALs).Marshal()
		if err != nil || !bytes.Equal(f.Data, want) || f.Sync != sent[i].Sync || f.Entry != entry {
			t.Fatalf("frame %d is not the one that was sent: %v", i, err)
		}
		if f.PTS90k-frames[0].PTS90k != sent[i].PTS90k-sent[0].PTS90k {
			t.Fatalf("frame %d is out of time", i)
		}
	}
}

// TestAV1SampleEntryEqualsFFmpegs ensures that the sample entry is that of ffmpeg's muxer,
// but for what the muxer calls itself.
func TestAV1SampleEntryEqualsFFmpegs(t *testing.T) {
	source, err := av1Media()
	if err != nil {
		t.Fatal(err)
	}
	unit, err := av1.Bitstream(source.AccessUnits[0].NALs).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ffmpeg", "-v", "error", "-f", "obu", "-i", "-", "-c", "copy", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov", "-")
	cmd.Stdin = bytes.NewReader(append([]byte{0x12, 0}, unit...)) // a temporal delimiter first
	made, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	stream := newAV1Stream()
	frames, err := stream.samples(source.AccessUnits[0].NALs)
	if err != nil || len(frames) != 1 || !frames[0].Sync {
		t.Fatal(frames, err)
	}
	ours := frames[0].Entry.Data
	av1C := ours[bytes.Index(ours, []byte("av1C"))-4:]
	if !bytes.Contains(made, av1C) || !bytes.Contains(made, ours[4:40]) {
		t.Errorf("ffmpeg makes no %x", av1C)
	}
}

// TestAV1SampleRule ensures what of a temporal unit is in a sample.
func TestAV1SampleRule(t *testing.T) {
	source, err := av1Media()
	if err != nil {
		t.Fatal(err)
	}
	sequence, key := source.AccessUnits[0].NALs[0], source.AccessUnits[0].NALs[1]
	inter := source.AccessUnits[1].NALs[0]
	delimiter, padding, metadata := []byte{2 << 3}, []byte{15 << 3, 1}, []byte{5 << 3, 1, 2}
	sized := func(unit []byte) []byte { return (*av1Codec)(nil).appendUnit(nil, unit) }
	tests := map[string]struct {
		units [][]byte
		want  []byte // nil if there is no sample
		sync  bool
	}{
		"key frame":                    {[][]byte{sequence, key}, slices.Concat(sized(sequence), sized(key)), true},
		"delimiter and padding":        {[][]byte{delimiter, sequence, key, padding}, slices.Concat(sized(sequence), sized(key)), true},
		"with sizes":                   {[][]byte{sized(sequence), sized(key)}, slices.Concat(sized(sequence), sized(key)), true},
		"without its sequence header":  {[][]byte{key}, slices.Concat(sized(sequence), sized(key)), true},
		"inter frame":                  {[][]byte{inter}, sized(inter), false},
		"sequence header between":      {[][]byte{sequence, inter}, sized(inter), false},
		"metadata":                     {[][]byte{metadata, inter}, slices.Concat(sized(metadata), sized(inter)), false},
		"no frame":                     {[][]byte{sequence, metadata}, nil, false},
		"an impossible size, no frame": {[][]byte{{6<<3 | 2, 0x7f, 1}, {6<<3 | 2}, {}, {0xff}}, nil, false},
	}
	for name, test := range tests {
		stream := newAV1Stream()
		if frames, err := stream.samples([][]byte{key}); err != nil || len(frames) > 0 && frames[0].Entry != nil {
			t.Fatalf("a key frame without a sequence header: %v, %v", frames, err)
		}
		if _, err := stream.samples([][]byte{sequence, key}); err != nil {
			t.Fatal(err)
		}
		frames, err := stream.samples(test.units)
		if err != nil || len(frames) != btoi(test.want != nil) {
			t.Errorf("%s: %v, %v", name, frames, err)
			continue
		}
		if test.want != nil && (!bytes.Equal(frames[0].Data, test.want) || frames[0].Sync != test.sync) {
			t.Errorf("%s: got %x, want %x", name, frames[0].Data, test.want)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// FuzzAV1: whatever OBUs come, samples can be read back as a byte stream, and a
// configuration can be recorded.
func FuzzAV1(f *testing.F) {
	source, err := av1Media()
	if err != nil {
		f.Fatal(err)
	}
	key := source.AccessUnits[0].NALs
	f.Add(key[0], key[1][:min(len(key[1]), 40)])
	f.Add(key[0], source.AccessUnits[1].NALs[0][:20])
	f.Add([]byte{0x0a, 0x01, 0x18}, []byte{0x32, 0x02, 0x10, 0x00})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		stream := newAV1Stream()
		for range 2 {
			frames, err := stream.samples([][]byte{first, second})
			if err != nil {
				return
			}
			for _, frame := range frames {
				var units av1.Bitstream
				if frame.Entry != nil && frame.Entry.Problem() != "" {
					t.Fatal(frame.Entry.Problem())
				}
				if err := units.Unmarshal(frame.Data); err != nil && !hasExtension(frame.Data) {
					t.Fatalf("%x: %v", frame.Data, err)
				}
			}
		}
	})
}

// hasExtension tells whether an OBU may have a header that the library does not read.
func hasExtension(data []byte) bool {
	return slices.ContainsFunc(data, func(b byte) bool { return b&obuExtensionBit != 0 })
}
