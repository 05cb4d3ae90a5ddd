// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	mp4ff "github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/demux"
)

// footage is what an encoder made: ten seconds at 25 frames a second, with a key
// frame each second.
type footage struct {
	frames []Frame
	entry  *moonfirefs.VideoSampleEntry
	// shown is what ffmpeg shows of its own file, where samples are reordered.
	shown []shown
}

const (
	framesPerSecond  = 25
	frameDuration90k = moonfirefs.UnitsPerSecond / framesPerSecond
)

var (
	h264 = sync.OnceValues(func() (*footage, error) {
		return encode("libx264", "-x264-params", "keyint=25:min-keyint=25:scenecut=0:bframes=0")
	})
	// reordered and openGOP have pictures that others come before which are shown
	// after them; those of openGOP cross key frames.
	reordered = sync.OnceValues(func() (*footage, error) {
		return encode("libx264", "-x264-params", "keyint=25:min-keyint=25:scenecut=0:bframes=3:b-adapt=0:b-pyramid=normal")
	})
	openGOP = sync.OnceValues(func() (*footage, error) {
		return encode("libx265", "-tag:v", "hvc1", "-x265-params", "log-level=none:keyint=25:min-keyint=25:scenecut=0:bframes=4:b-adapt=0:b-pyramid=1:open-gop=1")
	})
	h265 = sync.OnceValues(func() (*footage, error) {
		return encode("libx265", "-tag:v", "hvc1", "-x265-params", "log-level=none:keyint=25:min-keyint=25:scenecut=0:bframes=0")
	})
)

// encode makes footage of a test picture by way of an ordinary mp4 file, which
// it takes apart.
func encode(codec string, args ...string) (*footage, error) {
	dir, err := os.MkdirTemp("", "moonfirefs-mp4test")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "footage.mp4")
	args = append([]string{
		"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=10",
		"-pix_fmt", "yuv420p", "-c:v", codec, "-preset", "ultrafast", "-threads", "1"}, args...)
	args = append(args, "-video_track_timescale", "90000", path)
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil || len(out) > 0 {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return takeApart(path)
}

func takeApart(path string) (*footage, error) {
	track, err := demux.File(path)
	if err != nil {
		return nil, err
	}
	box, stbl := track.Video(), track.Table
	f := &footage{entry: moonfirefs.NewVideoSampleEntry(track.Entry, box.Width, box.Height, 1, 1, "")}
	for _, s := range track.Samples {
		f.frames = append(f.frames, Frame{
			Sample: moonfirefs.Sample{Duration90k: int32(s.Duration), Bytes: int32(len(s.Data)), Sync: s.Sync},
			Data:   s.Data,
		})
	}
	if stbl.Ctts != nil {
		f.reorder(stbl)
		if f.shown, err = shownPictures(path); err != nil {
			return nil, err
		}
	}
	if len(f.frames) != 10*framesPerSecond {
		return nil, fmt.Errorf("got %d frames", len(f.frames))
	}
	return f, nil
}

// reorder fills in composition offsets such that decoding times are the sorted
// composition times. ffmpeg's, which start later, it takes from its tables.
func (f *footage) reorder(stbl *mp4ff.StblBox) {
	shown90k := make([]int64, len(f.frames))
	for i := range shown90k {
		nr := uint32(i + 1)
		decoded90k, _ := stbl.Stts.GetDecodeTime(nr)
		shown90k[i] = int64(decoded90k) + int64(stbl.Ctts.GetCompositionTimeOffset(nr))
	}
	sorted90k := slices.Sorted(slices.Values(shown90k))
	for i := range f.frames {
		f.frames[i].CompositionOffset90k = int32(shown90k[i] - sorted90k[i])
		if i+1 < len(sorted90k) {
			f.frames[i].Duration90k = int32(sorted90k[i+1] - sorted90k[i])
		}
	}
}

func mustFootage(tb testing.TB, made func() (*footage, error)) *footage {
	tb.Helper()
	f, err := made()
	if err != nil {
		tb.Fatal(err)
	}
	return f
}
