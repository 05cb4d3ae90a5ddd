package fs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/Eyevinn/mp4ff/bits"
	mp4ff "github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
)

// footage is a piece of real H.264, as a camera would send it: a key frame each
// second.
type footage struct {
	entry    *moonfirefs.VideoSampleEntry
	samples  [][]byte
	syncs    []bool
	duration moonfirefs.Duration90k // of each sample
}

const (
	footageSeconds  = 60
	framesPerSecond = 10
)

// footageSizes are the two pictures that there is footage of: a recording of one
// cannot be in the same file as one of the other.
var footageSizes = []string{"320x240", "192x144"}

// encodeFootage makes what loadFootage loads.
func encodeFootage(dir string) error {
	for _, size := range footageSizes {
		input := fmt.Sprintf("testsrc2=size=%s:rate=%d:duration=%d", size, framesPerSecond, footageSeconds)
		cmd := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", input, "-pix_fmt", "yuv420p",
			"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", fmt.Sprint(framesPerSecond),
			"-y", footagePath(dir, size))
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("encode footage: %w: %s", err, output)
		}
	}
	return nil
}

func footagePath(dir, size string) string { return filepath.Join(dir, size+".mp4") }

// footageDirVariable is the environment variable with the folder of the footage.
const footageDirVariable = "MOONFIREFS_TEST_FOOTAGE"

var loadFootage = sync.OnceValues(func() ([]*footage, error) {
	var all []*footage
	for _, size := range footageSizes {
		f, err := parseFootage(footagePath(os.Getenv(footageDirVariable), size))
		if err != nil {
			return nil, fmt.Errorf("load footage: %w", err)
		}
		all = append(all, f)
	}
	return all, nil
})

func parseFootage(path string) (*footage, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := mp4ff.DecodeFileSR(bits.NewFixedSliceReader(data))
	if err != nil {
		return nil, err
	}
	table := file.Moov.Trak.Mdia.Minf.Stbl
	avc1 := table.Stsd.AvcX
	box := bits.NewFixedSliceWriter(int(avc1.Size()))
	if err := avc1.EncodeSW(box); err != nil {
		return nil, err
	}
	f := &footage{
		entry:    moonfirefs.NewVideoSampleEntry(box.Bytes(), avc1.Width, avc1.Height, 1, 1, "avc1.42c00d"),
		duration: moonfirefs.UnitsPerSecond / framesPerSecond,
	}
	for n := uint32(1); n <= table.Stsz.SampleNumber; n++ {
		sample, err := sampleData(data, table, n)
		if err != nil {
			return nil, err
		}
		f.samples = append(f.samples, sample)
		f.syncs = append(f.syncs, table.Stss == nil || table.Stss.IsSyncSample(n))
	}
	return f, nil
}

func sampleData(data []byte, table *mp4ff.StblBox, n uint32) ([]byte, error) {
	chunk, first, err := table.Stsc.ChunkNrFromSampleNr(int(n))
	if err != nil {
		return nil, err
	}
	offset := uint64(table.Stco.ChunkOffset[chunk-1])
	for before := first; before < int(n); before++ {
		offset += uint64(table.Stsz.GetSampleSize(before))
	}
	return data[offset : offset+uint64(table.Stsz.GetSampleSize(int(n)))], nil
}
