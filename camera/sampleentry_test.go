package camera

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	moonfire "github.com/moonfirefs/moonfire"
)

// encode makes three pictures with ffmpeg: as a byte stream, and the same in an
// mp4 file by ffmpeg's own muxer.
func encode(t *testing.T, arguments ...string) (byteStream []byte, mp4File string) {
	t.Helper()
	directory := t.TempDir()
	stream, file := filepath.Join(directory, "x.h264"), filepath.Join(directory, "x.mp4")
	run := func(arguments ...string) {
		command := exec.Command("ffmpeg", append([]string{"-loglevel", "error", "-nostdin"}, arguments...)...)
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg: %v: %s", err, output)
		}
	}
	source := append([]string{"-f", "lavfi"}, arguments...)
	run(append(source, "-frames:v", "3", "-c:v", "libx264", "-threads", "1", stream)...)
	run("-i", stream, "-c", "copy", file)
	byteStream, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	return byteStream, file
}

// sampleEntryOf returns the sample entry of the only track of an mp4 file.
func sampleEntryOf(t *testing.T, path string) *mp4.VisualSampleEntryBox {
	t.Helper()
	file, err := mp4.ReadMP4File(path)
	if err != nil {
		t.Fatal(err)
	}
	return file.Moov.Trak.Mdia.Minf.Stbl.Stsd.AvcX
}

// parseSampleEntry reads our box with another library.
func parseSampleEntry(t *testing.T, entry *moonfire.VideoSampleEntry) *mp4.VisualSampleEntryBox {
	t.Helper()
	reader := bytes.NewReader(entry.Data)
	box, err := mp4.DecodeBox(0, reader)
	if err != nil {
		t.Fatal(err)
	}
	if reader.Len() != 0 {
		t.Fatalf("%d bytes after the box", reader.Len())
	}
	parsed, ok := box.(*mp4.VisualSampleEntryBox)
	if !ok || parsed.Type() != "avc1" {
		t.Fatalf("got a %s box", box.Type())
	}
	return parsed
}

// encodeBox serializes a box that another library has read.
func encodeBox(t *testing.T, box mp4.Box) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := box.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Our sample entries say what those of ffmpeg's muxer say about the same stream:
// the avcC box is equal to the byte, and so are size and pixel aspect.
func TestSampleEntryEqualsFFmpegs(t *testing.T) {
	tests := map[string]struct {
		arguments        []string
		codec            string
		aspectH, aspectV uint16
	}{
		"baseline":   {[]string{"-i", "testsrc=s=176x144", "-pix_fmt", "yuv420p", "-profile:v", "baseline"}, "avc1.42c00b", 1, 1},
		"main":       {[]string{"-i", "testsrc=s=1920x1080", "-pix_fmt", "yuv420p", "-profile:v", "main"}, "avc1.4d4028", 1, 1},
		"high":       {[]string{"-i", "testsrc=s=1280x720", "-pix_fmt", "yuv420p", "-profile:v", "high"}, "avc1.64001f", 1, 1},
		"odd":        {[]string{"-i", "testsrc=s=322x182", "-pix_fmt", "yuv420p", "-profile:v", "high"}, "avc1.64000d", 1, 1},
		"10 bits":    {[]string{"-i", "testsrc=s=330x186", "-pix_fmt", "yuv420p10le"}, "avc1.6e000d", 1, 1},
		"4:2:2":      {[]string{"-i", "testsrc=s=330x186", "-pix_fmt", "yuv422p"}, "avc1.7a000d", 1, 1},
		"4:4:4":      {[]string{"-i", "testsrc=s=331x187", "-pix_fmt", "yuv444p"}, "avc1.f4000d", 1, 1},
		"monochrome": {[]string{"-i", "testsrc=s=331x187", "-pix_fmt", "gray"}, "avc1.64000d", 1, 1},
		"interlaced": {[]string{"-i", "testsrc=s=1920x1080", "-pix_fmt", "yuv420p", "-flags", "+ildct+ilme", "-x264-params", "tff=1"}, "avc1.640028", 1, 1},
		"anamorphic": {[]string{"-i", "testsrc=s=704x480", "-pix_fmt", "yuv420p", "-vf", "setsar=10/11"}, "avc1.64001e", 10, 11},
		"rare ratio": {[]string{"-i", "testsrc=s=352x288", "-pix_fmt", "yuv420p", "-vf", "setsar=7/5"}, "avc1.64000d", 7, 5},
		"square":     {[]string{"-i", "testsrc=s=352x288", "-pix_fmt", "yuv420p", "-vf", "setsar=1/1"}, "avc1.64000d", 1, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			byteStream, file := encode(t, test.arguments...)
			stream := newH264Stream()
			if _, _, err := stream.sample(byteStream); err != nil {
				t.Fatal(err)
			}
			entry := stream.entry
			if entry == nil {
				t.Fatal("no sample entry")
			}
			got, want := parseSampleEntry(t, entry), sampleEntryOf(t, file)
			if got, want := encodeBox(t, got.AvcC), encodeBox(t, want.AvcC); !bytes.Equal(got, want) {
				t.Errorf("avcC\n got %x\nwant %x", got, want)
			}
			if got.Width != want.Width || got.Height != want.Height || entry.Width != want.Width || entry.Height != want.Height {
				t.Errorf("size %d×%d, want %d×%d", got.Width, got.Height, want.Width, want.Height)
			}
			if entry.RFC6381Codec != test.codec {
				t.Errorf("codec %s, want %s", entry.RFC6381Codec, test.codec)
			}
			if entry.PixelAspectH != test.aspectH || entry.PixelAspectV != test.aspectV {
				t.Errorf("pixel aspect %d:%d", entry.PixelAspectH, entry.PixelAspectV)
			}
			checkPasp(t, got.Pasp, test.aspectH, test.aspectV)
		})
	}
}

// checkPasp checks that there is a pasp box where, and only where, pixels are
// not square.
func checkPasp(t *testing.T, pasp *mp4.PaspBox, aspectH, aspectV uint16) {
	t.Helper()
	got, want := "none", "none"
	if pasp != nil {
		got = fmt.Sprintf("%d:%d", pasp.HSpacing, pasp.VSpacing)
	}
	if aspectH != aspectV {
		want = fmt.Sprintf("%d:%d", aspectH, aspectV)
	}
	if got != want {
		t.Errorf("pasp %s, want %s", got, want)
	}
}
