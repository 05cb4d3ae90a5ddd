// SPDX-License-Identifier: GPL-3.0-or-later

package teststore

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/demux"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// Codec is how Media are encoded.
type Codec string

// The codecs.
const (
	H264 Codec = "h264"
	H265 Codec = "h265"
)

// Params say what Media are. There is a key frame each second.
type Params struct {
	Codec         Codec
	Width, Height int // in pixels
	FPS           int // frames per second
	Seconds       int
	// BFrames is how many frames in a row are sent after one that is shown after
	// them; H.264 only.
	BFrames int
}

// Media are coded pictures in the form that sample files have. They are immutable.
type Media struct {
	Params Params
	Entry  *moonfirefs.VideoSampleEntry
	// Samples are numbered by what their pictures show, but for those that are
	// reordered within their group of pictures.
	Samples []Sample
}

// Sample is one coded frame.
type Sample struct {
	Data []byte
	Sync bool
	// CompositionOffset90k is how long after it is decoded it is shown.
	CompositionOffset90k int32
}

// SampleDuration90k is how long a sample lasts.
func (m *Media) SampleDuration90k() moonfirefs.Duration90k {
	return moonfirefs.Duration90k(moonfirefs.UnitsPerSecond / m.Params.FPS)
}

// Encode makes media of the test camera's pictures. It needs ffmpeg.
func Encode(ctx context.Context, p Params) (*Media, error) {
	pictures, err := testcamera.Encode(ctx, testcamera.Params{
		Width: p.Width, Height: p.Height, FPS: p.FPS, GOP: p.FPS, BitrateKbps: bitrateKbps, BFrames: p.BFrames,
	}, p.FPS*p.Seconds)
	if err != nil {
		return nil, fmt.Errorf("encode footage: %w", err)
	}
	track, err := inMP4(ctx, p, pictures)
	if err != nil {
		return nil, fmt.Errorf("encode footage: %w", err)
	}
	box := track.Video()
	m := &Media{Params: p, Entry: moonfirefs.NewVideoSampleEntry(track.Entry, box.Width, box.Height, 1, 1, rfc6381(box))}
	for _, sample := range track.Samples {
		m.Samples = append(m.Samples, Sample{Data: sample.Data, Sync: sample.Sync})
	}
	if len(m.Samples) != len(pictures.AccessUnits) {
		return nil, fmt.Errorf("encode footage: ffmpeg made %d samples of %d pictures", len(m.Samples), len(pictures.AccessUnits))
	}
	for i, au := range pictures.AccessUnits {
		m.Samples[i].CompositionOffset90k = int32(au.Counter-i) * int32(m.SampleDuration90k())
	}
	return m, nil
}

// bitrateKbps is low, since there can be very much of it.
const bitrateKbps = 150

// inMP4 has ffmpeg put the pictures into an mp4 file, encoded anew for H.265.
func inMP4(ctx context.Context, p Params, pictures *testcamera.Media) (*demux.Track, error) {
	dir, err := os.MkdirTemp("", "moonfirefs-footage-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "clip.mp4")
	codec := []string{"-c:v", "copy"}
	if p.Codec == H265 {
		codec = []string{"-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-threads", "1",
			"-x265-params", fmt.Sprintf("log-level=none:pools=none:keyint=%d:min-keyint=%d:scenecut=0:bframes=0", p.FPS, p.FPS)}
	}
	args := append([]string{"-v", "error", "-nostdin", "-framerate", fmt.Sprint(p.FPS), "-f", "h264", "-i", "pipe:0"}, codec...)
	args = append(args, "-video_track_timescale", fmt.Sprint(moonfirefs.UnitsPerSecond), path)
	cmd := exec.CommandContext(ctx, "ffmpeg", args...)
	cmd.Stdin = byteStream(pictures)
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, bytes.TrimSpace(output))
	}
	return demux.File(path)
}

// byteStream has the pictures with start codes (ITU-T H.264 annex B).
func byteStream(c *testcamera.Media) *bytes.Buffer {
	var b bytes.Buffer
	for _, au := range c.AccessUnits {
		for _, nal := range au.NALs {
			b.Write([]byte{0, 0, 0, 1})
			b.Write(nal)
		}
	}
	return &b
}

// rfc6381 names the codec of a sample entry.
func rfc6381(box *mp4.VisualSampleEntryBox) string {
	if box.AvcC != nil {
		r := box.AvcC.DecConfRec
		return fmt.Sprintf("avc1.%02x%02x%02x", r.AVCProfileIndication, r.ProfileCompatibility, r.AVCLevelIndication)
	}
	// ISO 14496-15 annex E.3, without the constraint flags.
	r := box.HvcC.DecConfRec
	return strings.ToLower(fmt.Sprintf("hvc1.%d.6.L%d.90", r.GeneralProfileIDC, r.GeneralLevelIDC))
}
