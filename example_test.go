// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs_test

import (
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// The worked example of design/video-index.md: five samples take eleven bytes.
func ExampleVideoIndexEncoder() {
	var encoder moonfirefs.VideoIndexEncoder
	encoder.Add(moonfirefs.Sample{Duration90k: 10, Bytes: 1000, Sync: true})
	encoder.Add(moonfirefs.Sample{Duration90k: 9, Bytes: 10})
	encoder.Add(moonfirefs.Sample{Duration90k: 11, Bytes: 15})
	encoder.Add(moonfirefs.Sample{Duration90k: 10, Bytes: 12})
	encoder.Add(moonfirefs.Sample{Duration90k: 10, Bytes: 1050, Sync: true})
	fmt.Printf("% x\n", encoder.Blob())
	fmt.Println(encoder.Samples(), "samples,", encoder.SyncSamples(), "of them sync,", encoder.Bytes(), "bytes")
	// Output:
	// 29 d0 0f 02 14 08 0a 02 05 01 64
	// 5 samples, 2 of them sync, 2087 bytes
}

// An index is read from its first sample to its last. Whether it was whole, Err tells.
func ExampleDecodeVideoIndex() {
	index := []byte{0x29, 0xd0, 0x0f, 0x02, 0x14, 0x08, 0x0a, 0x02}
	d := moonfirefs.DecodeVideoIndex(index, 0)
	for d.Next() {
		fmt.Printf("%d/90000 s, %d bytes, sync %v\n", d.Duration90k, d.Bytes, d.Sync)
	}
	fmt.Println(d.Err())
	// Output:
	// 10/90000 s, 1000 bytes, sync true
	// 9/90000 s, 10 bytes, sync false
	// 11/90000 s, 15 bytes, sync false
	// decode video index at byte 7 of 8: bad size varint: corrupt
}

// A row says of its samples what was added to the table, in the order of the sample
// file.
func ExampleSampleTable() {
	var table moonfirefs.SampleTable
	table.AddVideo(moonfirefs.Sample{Duration90k: 3000, Bytes: 5000, Sync: true})
	table.AddVideo(moonfirefs.Sample{Duration90k: 3000, Bytes: 700})
	table.AddAudio(0, []moonfirefs.AudioSample{{Duration90k: 5760, Bytes: 180}})
	table.AddVideo(moonfirefs.Sample{Bytes: 650}) // no frame followed

	var row moonfirefs.Recording
	table.Fill(&row)
	fmt.Println(row.Duration90k, row.SampleFileBytes, row.VideoSamples, row.VideoSyncSamples, row.Audio.Samples)
	fmt.Println(row.Flags == moonfirefs.FlagTrailingZero|moonfirefs.FlagAudio|moonfirefs.FlagVideoLast)

	row.SampleFileBytes++
	fmt.Println(row.IndexProblem())
	// Output:
	// 66.666666ms 6530 3 1 1
	// true
	// its video index adds up to 6350 bytes, its row says 6351
}
