// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// nalType is the type of a NAL unit of H.264 (ITU-T H.264 table 7-1).
func nalType(nal []byte) byte { return nal[0] & 0x1f }

func isParameterSet(nal []byte) bool { return nalType(nal) == 7 || nalType(nal) == 8 }

// eachNAL replaces the NAL units of a frame.
func eachNAL(f *testcamera.SentFrame, replace func(nal []byte) [][]byte) {
	var nals [][]byte
	for _, nal := range f.NALs {
		nals = append(nals, replace(nal)...)
	}
	f.NALs = nals
}

// glued is the NAL units of a frame as one, start codes and all.
func glued(nals [][]byte) []byte { return bytes.Join(nals, []byte{0, 0, 0, 1}) }

// largeSEI is a user data message (ITU-T H.264 §D.1.7) of 7 MiB.
func largeSEI() []byte {
	const size = 7 << 20
	sei := append([]byte{6, 5}, bytes.Repeat([]byte{0xff}, size/255)...)
	sei = append(sei, size%255)
	return append(append(sei, bytes.Repeat([]byte{0x55}, size)...), 0x80)
}

// Whatever cameras do to their bit streams that a decoder could still make sense of,
// what is recorded of them decodes without a complaint.
func TestBitstreamVices(t *testing.T) {
	t.Parallel()
	large, err := testcamera.Encode(context.Background(), testcamera.Params{Width: 640, Height: 360}, 45)
	if err != nil {
		t.Fatal(err)
	}
	small := mustEncode(t, media)
	sei := largeSEI()
	refreshed, err := testcamera.Encode(context.Background(), testcamera.Params{GOP: 30, IntraRefresh: true}, 900)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		config testcamera.Config
		// broken says that the stream is not clean as the camera sends it.
		broken bool
		// files is how many there are at least, and most how many at most if that matters.
		files, most int
	}{
		"parameter sets only in the description": {config: testcamera.Config{Alter: func(f *testcamera.SentFrame) {
			f.NALs = slices.DeleteFunc(slices.Clone(f.NALs), isParameterSet)
		}}},
		"parameter sets late": {config: testcamera.Config{WithoutSprop: true, Alter: func(f *testcamera.SentFrame) {
			if f.Index < 40 {
				f.NALs = slices.DeleteFunc(slices.Clone(f.NALs), isParameterSet)
			}
		}}},
		"parameter sets with each frame": {config: testcamera.Config{Alter: func(f *testcamera.SentFrame) {
			sets := slices.DeleteFunc(slices.Clone(small.AccessUnits[0].NALs), func(nal []byte) bool { return !isParameterSet(nal) })
			f.NALs = slices.Concat(f.NALs[:1], sets, slices.DeleteFunc(slices.Clone(f.NALs[1:]), isParameterSet))
		}}},
		"garbage after parameter sets": {config: testcamera.Config{Alter: func(f *testcamera.SentFrame) {
			eachNAL(f, func(nal []byte) [][]byte {
				if isParameterSet(nal) {
					nal = append(slices.Clone(nal), 0, 0x5a, 0xa5, 0, 0)
				}
				return [][]byte{nal}
			})
		}}},
		"key frames glued to parameter sets": {config: testcamera.Config{Alter: func(f *testcamera.SentFrame) {
			if f.Sync {
				f.NALs = [][]byte{glued(f.NALs[1:])}
			}
		}}},
		"access units glued together": {config: testcamera.Config{Alter: func(f *testcamera.SentFrame) {
			f.PTS90k -= f.Index % 2 * 6000
		}}},
		"resolution changes": {config: testcamera.Config{Source: testcamera.Join(
			&testcamera.Media{Params: small.Params, AccessUnits: small.AccessUnits[:45]}, large)}, files: 2},
		"configuration alternates": {config: testcamera.Config{Source: testcamera.Join(
			&testcamera.Media{Params: small.Params, AccessUnits: small.AccessUnits[:15]},
			&testcamera.Media{Params: large.Params, AccessUnits: large.AccessUnits[:15]})}, files: 5, most: 6}, // if an hour begins
		"recovery points and no key frames": {broken: true, config: testcamera.Config{Source: refreshed, Alter: func(f *testcamera.SentFrame) {
			if f.Sync {
				f.NALs = f.NALs[:1] // a delimiter
			}
		}}},
		"access units of 7 MiB": {config: testcamera.Config{Alter: func(f *testcamera.SentFrame) {
			if f.Index%45 == 20 {
				f.NALs = slices.Concat(f.NALs[:1], [][]byte{sei}, f.NALs[1:])
			}
		}}},
		"filler and unknown NAL units": {config: testcamera.Config{Alter: func(f *testcamera.SentFrame) {
			f.NALs = slices.Concat(f.NALs, [][]byte{{12, 0xff, 0xff, 0x80}, {24, 1, 2, 3}, {30, 4}})
		}}},
		"lost packets": {broken: true, config: testcamera.Config{Loses: func(index int64, _ int) bool { return index%20 == 7 }}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.config.KeepSent = 1
			var path, mountpoint string
			inTime(t, func() (log string) {
				camera := startCamera(t, test.config)
				path, mountpoint = newStore(t), newMountpoint(t)
				mustRun(t, "camera", "add", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
				recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "2s")
				waitForRecordings(t, path, max(4, 2*test.most))
				recorder.stop()
				return recorder.output.String()
			})
			mount := start(t, "mount", mountpoint, "--store", path)
			mount.saw("mounted")
			paths := files(t, mountpoint)
			if len(paths) < max(1, test.files) || test.most > 0 && len(paths) > test.most {
				t.Errorf("files %v", paths)
			}
			if frames := playedFrames(t, paths); len(frames) < 60 {
				t.Errorf("%d frames", len(frames))
			}
			if !test.broken {
				requireDecodable(t, paths)
			}
		})
	}
}
