// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/Eyevinn/mp4ff/hevc"
	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
)

// testCodec is what the tests of sample entries must know of a codec.
type testCodec struct {
	// extension is that of ffmpeg's byte streams, encoder are its arguments.
	extension                   string
	encoder                     []string
	newStream                   func() *stream
	sampleBox, configurationBox string
}

var (
	testH264 = testCodec{"h264", []string{"-c:v", "libx264", "-threads", "1"}, newH264Stream, "avc1", "avcC"}
	testH265 = testCodec{"hevc", []string{"-c:v", "libx265"}, newH265Stream, "hvc1", "hvcC"}
)

// encode makes pictures with ffmpeg: as a byte stream, and the same in an mp4
// file by ffmpeg's own muxer.
func (c testCodec) encode(t *testing.T, arguments ...string) (byteStream []byte, mp4File string) {
	t.Helper()
	directory := t.TempDir()
	stream, file := filepath.Join(directory, "x."+c.extension), filepath.Join(directory, "x.mp4")
	ffmpeg(t, slices.Concat([]string{"-f", "lavfi"}, arguments, c.encoder, []string{stream})...)
	ffmpeg(t, "-i", stream, "-c", "copy", "-tag:v", c.sampleBox, file)
	byteStream, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	return byteStream, file
}

// ffmpeg runs it. It must have nothing to complain about.
func ffmpeg(t *testing.T, arguments ...string) {
	t.Helper()
	command := exec.Command("ffmpeg", append([]string{"-loglevel", "error", "-nostdin"}, arguments...)...)
	if output, err := command.CombinedOutput(); err != nil || len(output) > 0 {
		t.Fatalf("ffmpeg: %v: %s", err, output)
	}
}

// sampleEntryOf returns the sample entry of the only track of an mp4 file.
func sampleEntryOf(t *testing.T, path string) *mp4.VisualSampleEntryBox {
	t.Helper()
	file, err := mp4.ReadMP4File(path)
	if err != nil {
		t.Fatal(err)
	}
	table := file.Moov.Trak.Mdia.Minf.Stbl.Stsd
	if table.HvcX != nil {
		return table.HvcX
	}
	return table.AvcX
}

// parseSampleEntry reads our box with another library.
func parseSampleEntry(t *testing.T, entry *moonfirefs.VideoSampleEntry) *mp4.VisualSampleEntryBox {
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
	if !ok {
		t.Fatalf("got a %s box", box.Type())
	}
	return parsed
}

// boxIn returns the only box of a type among some bytes.
func boxIn(t *testing.T, data []byte, boxType string) []byte {
	t.Helper()
	if bytes.Count(data, []byte(boxType)) != 1 {
		t.Fatalf("%d boxes %s", bytes.Count(data, []byte(boxType)), boxType)
	}
	start := bytes.Index(data, []byte(boxType)) - 4
	return data[start:][:binary.BigEndian.Uint32(data[start:])]
}

// entryTest is a way to encode, and what a sample entry is to say of it.
type entryTest struct {
	arguments        []string
	codec            string
	aspectH, aspectV uint16
}

// Our sample entries say what those of ffmpeg's muxer say about the same stream:
// the configuration box is equal to the byte, and so are size and pixel aspect.
func TestSampleEntryEqualsFFmpegs(t *testing.T) {
	avcTests := map[string]entryTest{
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
	x265 := func(parameters string, arguments ...string) []string {
		return append(arguments, "-x265-params", quietX265+parameters)
	}
	hevcTests := map[string]entryTest{
		"main":           {x265("", "-i", "testsrc=s=1920x1080", "-pix_fmt", "yuv420p"), "hvc1.1.6.L120.90", 1, 1},
		"high tier":      {x265(":level-idc=5.0:high-tier=1:vbv-maxrate=60000:vbv-bufsize=60000", "-i", "testsrc=s=1920x1080", "-pix_fmt", "yuv420p"), "hvc1.1.6.H150.90", 1, 1},
		"odd":            {x265("", "-i", "testsrc=s=322x182", "-pix_fmt", "yuv420p"), "hvc1.1.6.L60.90", 1, 1},
		"10 bits":        {x265("", "-i", "testsrc=s=330x186", "-pix_fmt", "yuv420p10le"), "hvc1.2.4.L60.90", 1, 1},
		"12 bits":        {x265("", "-i", "testsrc=s=330x186", "-pix_fmt", "yuv420p12le"), "hvc1.4.10.L60.99.88", 1, 1},
		"4:2:2":          {x265("", "-i", "testsrc=s=330x187", "-pix_fmt", "yuv422p"), "hvc1.4.10.L60.9D.8", 1, 1},
		"4:2:2, 10 bits": {x265("", "-i", "testsrc=s=330x187", "-pix_fmt", "yuv422p10le"), "hvc1.4.10.L60.9D.8", 1, 1},
		"4:4:4":          {x265("", "-i", "testsrc=s=331x187", "-pix_fmt", "yuv444p"), "hvc1.4.10.L60.9E.8", 1, 1},
		"monochrome":     {x265("", "-i", "testsrc=s=331x187", "-pix_fmt", "gray"), "hvc1.4.10.L60.9F.C8", 1, 1},
		"sub-layers":     {x265(":temporal-layers=1", "-i", "testsrc=s=352x288", "-pix_fmt", "yuv420p"), "hvc1.1.6.L60.90", 1, 1},
		"interlaced":     {x265(":interlace=tff", "-i", "testsrc=s=1920x1080", "-pix_fmt", "yuv420p"), "hvc1.1.6.L120.40", 1, 1},
		"scaling lists":  {x265(":scaling-list=default", "-i", "testsrc=s=352x288", "-pix_fmt", "yuv420p", "-vf", "setsar=12/11"), "hvc1.1.6.L60.90", 12, 11},
		"anamorphic":     {x265("", "-i", "testsrc=s=704x480", "-pix_fmt", "yuv420p", "-vf", "setsar=10/11"), "hvc1.1.6.L90.90", 10, 11},
		"rare ratio":     {x265("", "-i", "testsrc=s=352x288", "-pix_fmt", "yuv420p", "-vf", "setsar=7/5"), "hvc1.1.6.L60.90", 7, 5},
		"square":         {x265("", "-i", "testsrc=s=352x288", "-pix_fmt", "yuv420p", "-vf", "setsar=1/1"), "hvc1.1.6.L60.90", 1, 1},
	}
	for name, test := range avcTests {
		t.Run("H.264 "+name, func(t *testing.T) { t.Parallel(); compareWithFFmpeg(t, testH264, test) })
	}
	for name, test := range hevcTests {
		t.Run("H.265 "+name, func(t *testing.T) { t.Parallel(); compareWithFFmpeg(t, testH265, test) })
	}
}

// quietX265 leaves out the encoder's name in an SEI message, which ffmpeg's muxer
// would put into the sample entry.
const quietX265 = "log-level=none:pools=none:info=0"

func compareWithFFmpeg(t *testing.T, codec testCodec, test entryTest) {
	byteStream, file := codec.encode(t, append(test.arguments, "-frames:v", "3")...)
	stream := codec.newStream()
	if _, _, err := convert(stream, byteStream); err != nil {
		t.Fatal(err)
	}
	entry := stream.entry
	if entry == nil {
		t.Fatal("no sample entry")
	}
	got, want := parseSampleEntry(t, entry), sampleEntryOf(t, file)
	if got.Type() != codec.sampleBox || want.Type() != codec.sampleBox {
		t.Fatalf("got a %s box, ffmpeg wrote %s", got.Type(), want.Type())
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := boxIn(t, entry.Data, codec.configurationBox), boxIn(t, whole, codec.configurationBox); !bytes.Equal(got, want) {
		t.Errorf("configuration\n got %x\nwant %x", got, want)
	}
	if got.Width != want.Width || got.Height != want.Height || entry.Width != want.Width || entry.Height != want.Height {
		t.Errorf("size %d×%d, want %d×%d", got.Width, got.Height, want.Width, want.Height)
	}
	if entry.RFC6381Codec != test.codec {
		t.Errorf("codec %s, want %s", entry.RFC6381Codec, test.codec)
	}
	if hvcC := got.HvcC; hvcC != nil {
		sps, err := hevc.ParseSPSNALUnit(hvcC.GetNalusForType(hevc.NALU_SPS)[0])
		if err != nil {
			t.Fatal(err)
		}
		if want := hevc.CodecString("hvc1", sps); entry.RFC6381Codec != want {
			t.Errorf("codec %s, another library says %s", entry.RFC6381Codec, want)
		}
	}
	if entry.PixelAspectH != test.aspectH || entry.PixelAspectV != test.aspectV {
		t.Errorf("pixel aspect %d:%d", entry.PixelAspectH, entry.PixelAspectV)
	}
	checkPasp(t, got.Pasp, test.aspectH, test.aspectV)
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
