// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/rtsp"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// scanOf is what is encoded in a file of JPEG, behind its headers.
func scanOf(picture []byte) []byte {
	_, scan, _ := bytes.Cut(picture, []byte{0xff, jpegStartOfScan})
	return scan[binary.BigEndian.Uint16(scan):]
}

// TestMotionJPEG ensures that pictures come as they were sent, each a sync sample, and none
// of which something is missing.
func TestMotionJPEG(t *testing.T) {
	source, err := testcamera.Encode(t.Context(), testcamera.Params{Codec: testcamera.MJPEG, Width: 320, Height: 176}, 60)
	if err != nil {
		t.Fatal(err)
	}
	lost := func(index int64) bool { return index%7 == 3 }
	camera := startCamera(t, testcamera.Config{Source: source, Loses: func(index int64, packet int) bool { return lost(index) && packet == 1 }})
	session := openSession(t, Config{URL: camera.URL()})
	frames := read(t, session, 40)
	if d := session.Description(); d.Codec != "Motion JPEG" {
		t.Errorf("%+v", d)
	}
	entry := frames[0].Entry
	if entry.RFC6381Codec != "jpeg" || entry.Width != 320 || entry.Height != 176 || entry.Problem() != "" {
		t.Errorf("%+v", entry)
	}
	sent := camera.Sent()
	for i, f := range frames {
		for len(sent) > 0 && (lost(sent[0].Index) || i == 0 && !bytes.Equal(scanOf(sent[0].NALs[0]), scanOf(f.Data))) {
			sent = sent[1:]
		}
		if len(sent) == 0 || !bytes.Equal(scanOf(sent[0].NALs[0]), scanOf(f.Data)) || !f.Sync || f.Entry != entry {
			t.Fatalf("picture %d is not the one that was sent", i)
		}
		if picture, err := jpeg.Decode(bytes.NewReader(f.Data)); err != nil || picture.Bounds().Dx() != 320 {
			t.Fatalf("picture %d: %v", i, err)
		}
		sent = sent[1:]
	}
}

// TestMotionJPEGIsTheLastChoice ensures that another codec is recorded if there is one.
func TestMotionJPEGIsTheLastChoice(t *testing.T) {
	pictures := rtsp.Media{Type: "video", Formats: []rtsp.Format{{PayloadType: 26, Encoding: "JPEG"}}}
	other := rtsp.Media{Type: "video", Formats: []rtsp.Format{{PayloadType: 96, Encoding: "H264"}}}
	both := rtsp.Media{Type: "video", Formats: []rtsp.Format{pictures.Formats[0], {PayloadType: 97, Encoding: "VP8"}, other.Formats[0]}}
	for want, medias := range map[string][]rtsp.Media{
		"H264": {pictures, other}, "JPEG": {{Type: "video", Formats: []rtsp.Format{{Encoding: "VP8"}}}, pictures}, "H264 of several": {both},
	} {
		m, err := new(Session).describeVideo(&rtsp.Description{Medias: medias})
		if err != nil || len(m.Formats) != 1 || m.Formats[0].Encoding != want[:4] {
			t.Errorf("%s: %+v, %v", want, m, err)
		}
	}
}

// FuzzJPEGSize: no bytes make the parser panic, and what has no size is no picture.
func FuzzJPEGSize(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xc0\x00\x11\x08\x00\xb0\x01\x40\x03"))
	f.Add([]byte("\xff\xd8\xff\xdb\x00\x04ab\xff\xc0\x00\x07\x08\x00\xb0\x01\x40"))
	f.Fuzz(func(t *testing.T, data []byte) {
		frames, err := newMJPEGStream().samples([][]byte{data})
		if err != nil {
			t.Fatal(err)
		}
		for _, frame := range frames {
			if frame.Entry.Problem() != "" || !bytes.Equal(frame.Data, data) {
				t.Fatalf("%+v", frame)
			}
		}
	})
}
