// SPDX-License-Identifier: GPL-3.0-or-later

package mp4_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// memory is a Source that has a recording in memory.
type memory struct{ videoIndex, samples []byte }

func (m memory) VideoIndex(context.Context, int) ([]byte, error) { return m.videoIndex, nil }

func (m memory) AudioIndex(context.Context, int) ([]byte, error) { return nil, nil }

func (m memory) ReadSamples(_ context.Context, _ int, p []byte, offset int64) error {
	copy(p, m.samples[offset:])
	return nil
}

// Size tells from the rows alone how long a file is, so that a folder can be listed
// without reading a single index. New lays it out, and ReadAt makes whichever bytes are
// asked for.
func ExampleNew() {
	samples := bytes.Repeat([]byte("coded frames "), 500)
	var table moonfirefs.SampleTable
	table.AddVideo(moonfirefs.Sample{Duration90k: 45000, Bytes: 6000, Sync: true})
	table.AddVideo(moonfirefs.Sample{Duration90k: 45000, Bytes: 500})
	row := moonfirefs.Recording{Summary: moonfirefs.Summary{
		ID: 1, Start90k: moonfirefs.FromTime(time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)),
	}}
	table.Fill(&row)

	spec := &mp4.Spec{
		Recordings: []moonfirefs.Summary{row.Summary},
		Entry:      moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0cavc1test"), 640, 360, 1, 1, "avc1.4d401e"),
		Zone:       time.UTC,
		Title:      "driveway 2026-11-22 13:00",
	}
	fmt.Println("a listing says", mp4.Size(spec), "bytes")

	file, err := mp4.New(spec)
	if err != nil {
		log.Fatal(err)
	}
	source := memory{row.VideoIndex, samples}
	head := make([]byte, 8)
	if err := file.ReadAt(context.Background(), source, head, 0); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("the file has %d, and begins with %q\n", file.Size(), head[4:])

	recording, offset, ok := file.SampleRange(file.Size()-500, 500)
	fmt.Printf("its last 500 are those at %d of recording %d: %v\n", offset, recording, ok)
	// Output:
	// a listing says 10596 bytes
	// the file has 10596, and begins with "ftyp"
	// its last 500 are those at 6000 of recording 0: true
}
