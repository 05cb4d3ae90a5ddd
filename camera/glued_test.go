// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// Pictures that have one time stamp, and access units that are glued together, are a
// sample each, but for the two fields of a frame.
func TestGluedPictures(t *testing.T) {
	otherSlice1 := []byte{0x41, 0b010_00110, 0b1_1_000000, 0xcc} // first_mb_in_slice 1
	tests := map[string]struct {
		sps   []byte
		units [][]byte
		want  [][]byte
	}{
		"one picture": {smallSPS, [][]byte{idrSlice}, [][]byte{lengthPrefixed(idrSlice)}},
		"two slices":  {smallSPS, [][]byte{idrSlice, otherSlice1}, [][]byte{lengthPrefixed(idrSlice, otherSlice1)}},
		"two pictures": {smallSPS, [][]byte{idrSlice, pSlice},
			[][]byte{lengthPrefixed(idrSlice), lengthPrefixed(pSlice)}},
		"three access units": {smallSPS, [][]byte{delimiter, sei, idrSlice, delimiter, sei, pSlice, otherSlice1, filler, bSlice},
			[][]byte{lengthPrefixed(sei, idrSlice), lengthPrefixed(sei, pSlice, otherSlice1), lengthPrefixed(bSlice)}},
		"fields": {testAVCSPS{profile: 100, fields: true}.unit(), [][]byte{idrSlice, pSlice}, [][]byte{lengthPrefixed(idrSlice, pSlice)}},
	}
	for name, test := range tests {
		stream := newH264Stream()
		// The first picture tells what is in force.
		if _, err := stream.byteStream(annexB(test.sps, pps0, idrSlice)); err != nil {
			t.Fatal(err)
		}
		frames, err := stream.byteStream(annexB(test.units...))
		if err != nil || len(frames) != len(test.want) {
			t.Fatalf("%s: %d frames, %v; want %d", name, len(frames), err, len(test.want))
		}
		for i, f := range frames {
			if !bytes.Equal(f.Data, test.want[i]) || f.Sync != (i == 0) || f.Entry != stream.entry {
				t.Errorf("%s: frame %d is %x, sync %v", name, i, f.Data, f.Sync)
			}
		}
	}
	stream := newH265Stream()
	frames, err := stream.byteStream(annexB(hevcVPS, hevcSmallSPS, hevcPPS0, hevcIDR, hevcDelimiter, hevcTrail, hevcTrail))
	if err != nil || len(frames) != 3 || !frames[0].Sync || frames[1].Sync {
		t.Errorf("H.265: %d frames, %v", len(frames), err)
	}
}

// A camera that stamps two frames in a row alike loses none of them, and the second
// is dated between the first and the next.
func TestRepeatedTimestamps(t *testing.T) {
	for _, codec := range []testcamera.Codec{testcamera.H264, testcamera.H265} {
		t.Run(string(codec), func(t *testing.T) {
			source, err := testcamera.Encode(t.Context(), testcamera.Params{Codec: codec, GOP: 15}, 45)
			if err != nil {
				t.Fatal(err)
			}
			camera := startCamera(t, testcamera.Config{Source: source, Alter: func(f *testcamera.SentFrame) {
				f.PTS90k -= f.Index % 2 * 6000
			}})
			frames := read(t, openSession(t, Config{URL: camera.URL()}), 60)
			sent := camera.Sent()
			for i := range sent {
				sent[i].PTS90k += sent[i].Index % 2 * 6000
			}
			compareWithSent(t, frames, sent)
		})
	}
}

// Two pictures of one time stamp, with which a session ends, are as far apart as those of
// the access unit before.
func TestRepeatedTimestampAtEnd(t *testing.T) {
	session := Session{log: slog.New(slog.DiscardHandler), video: newH264Stream(), share: share{memory: NewMemory(MaxCameraBytes)}}
	const span90k = 12000
	for i, lasts90k := range []int64{span90k, 0} {
		units := [][]byte{smallSPS, pps0, idrSlice, pSlice}
		if _, err := session.add(&accessUnit{units: units, pts90k: int64(i) * span90k, lasts90k: lasts90k}); err != nil {
			t.Fatal(err)
		}
	}
	var got []int64
	for _, f := range session.ready {
		got = append(got, f.PTS90k)
	}
	if diff := cmp.Diff([]int64{0, span90k / 2, span90k, span90k + span90k/2}, got); diff != "" {
		t.Errorf("time stamps (-want +got):\n%s", diff)
	}
}

// TestManyUnits ensures that an access unit of millions of NAL units is refused before
// they take much more memory than it does.
func TestManyUnits(t *testing.T) {
	unit := []byte{0, 0, 1, 6, 1}
	for units, refused := range map[int]bool{maxUnits: false, maxUnits + 1: true} {
		if _, err := newH264Stream().byteStream(bytes.Repeat(unit, units)); (err != nil) != refused {
			t.Errorf("%d NAL units: %v", units, err)
		}
	}
}
