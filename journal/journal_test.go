// SPDX-License-Identifier: GPL-3.0-or-later

package journal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// The worked example of design/journal.md.
var example = Journal{
	Header: Header{
		SampleFile: uuid.MustParse("00112233-4455-6677-8899-aabbccddeeff"),
		Stream:     3, Open: 7, RunOffset: 2,
		Entry: moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0cavc1test"), 640, 360, 1, 1, "avc1.4d401e"),
	},
	Dating: Dating{Start90k: 153_000_000_000_000, LocalTimeDelta90k: -45},
	Samples: []Sample{
		{moonfirefs.Sample{Duration90k: 3000, Bytes: 9, Sync: true}, Sum([]byte("key frame"))},
		{moonfirefs.Sample{Duration90k: 3003, Bytes: 6}, Sum([]byte("second"))},
		{moonfirefs.Sample{Duration90k: 2997, Bytes: 5, Sync: true}, Sum([]byte("third"))},
	},
}

const exampleHex = `
4d464a 02
00000045 e3389c37
00112233445566778899aabbccddeeff 0000000000000003 0000000000000007 00000002
0280 0168 0001 0001 000b 617663312e346434303165 0000000c6176633174657374

00000022 362518d7
00008b2716a69000 ffffffffffffffd3 00000002 274976a1 7afd9428 e15d12 de5d0c

00000021 7bf4b819
00008b2716a69000 ffffffffffffffd3 00000002 7afd9428 095a6947 ec5d0c 170a
`

// The same as versions of the program wrote it that did not write a sample before its
// duration was known.
const firstVersionHex = `
4d464a 01
00000045 e3389c37
00112233445566778899aabbccddeeff 0000000000000003 0000000000000007 00000002
0280 0168 0001 0001 000b 617663312e346434303165 0000000c6176633174657374

00000021 b0827168
00008b2716a69000 ffffffffffffffd3 00000002 274976a1 7afd9428 e15d12 0c0c

0000001b d2a466de
00008b2716a69000 ffffffffffffffd3 00000001 095a6947 d55d0a
`

// encode makes a journal; cuts says before which samples a record begins.
func encode(t testing.TB, j *Journal, cuts ...int) []byte {
	t.Helper()
	b, err := AppendHeader(nil, &j.Header)
	if err != nil {
		t.Fatal(err)
	}
	if j.AudioEntry != nil {
		b = AppendAudioEntry(b, j.AudioEntry)
	}
	var group Group
	chunks, before := j.Chunks, 0
	for i, s := range j.Samples {
		if len(chunks) > 0 && chunks[0].After == i {
			b = group.AppendRecord(b, j.Dating)
			b = AppendChunk(b, int32(i-before), &chunks[0])
			chunks, before = chunks[1:], i
		}
		for _, cut := range cuts {
			if i == cut {
				b = group.AppendRecord(b, j.Dating)
			}
		}
		group.Add(s.Sample, s.Sum)
	}
	b = group.AppendRecord(b, j.Dating)
	if len(chunks) > 0 {
		b = AppendChunk(b, int32(len(j.Samples)-before), &chunks[0])
	}
	return b
}

// unhex reads hexadecimal numbers with spaces between them.
func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWorkedExample(t *testing.T) {
	data, err := AppendHeader(nil, &example.Header)
	if err != nil {
		t.Fatal(err)
	}
	var group Group
	open := example.Samples[1]
	open.Duration90k = 0
	for _, record := range [][]Sample{{example.Samples[0], open}, {example.Samples[1], example.Samples[2]}} {
		for _, s := range record {
			group.Add(s.Sample, s.Sum)
		}
		data = group.AppendRecord(data, example.Dating)
	}
	if !bytes.Equal(data, unhex(t, exampleHex)) {
		t.Errorf("encoded\n%x", data)
	}
	for _, data := range [][]byte{data, unhex(t, firstVersionHex)} {
		if j, err := Decode(data); err != nil || !reflect.DeepEqual(j, &example) {
			t.Errorf("decoded %+v, %v", j, err)
		}
	}
}

// TestOpenSample ensures that a sample whose duration was not known counts once, with
// its duration where that is told, and that nothing else may follow it.
func TestOpenSample(t *testing.T) {
	open := example.Samples[1]
	open.Duration90k = 0
	encodeTwo := func(second ...Sample) []byte {
		j := example
		j.Samples = []Sample{example.Samples[0], open}
		data := encode(t, &j)
		var group Group
		for _, s := range second {
			group.Add(s.Sample, s.Sum)
		}
		return group.AppendRecord(data, example.Dating)
	}
	for name, second := range map[string][]Sample{
		"with its duration":                    {example.Samples[1]},
		"and others after it":                  example.Samples[1:],
		"and another one without, which stays": {example.Samples[1], {moonfirefs.Sample{Bytes: 7}, 0}},
		"again without":                        {open},
	} {
		want := example
		want.Samples = append([]Sample{example.Samples[0]}, second...)
		want.Ended = second[0] == open
		if j, err := Decode(encodeTwo(second...)); err != nil || !reflect.DeepEqual(j, &want) {
			t.Errorf("%s: %+v, %v", name, j, err)
		}
	}
	larger, other, sync := example.Samples[1], example.Samples[1], example.Samples[1]
	larger.Bytes++
	other.Sum++
	sync.Sync = !sync.Sync
	for name, first := range map[string]Sample{"larger": larger, "other bytes": other, "sync": sync, "the next": example.Samples[2]} {
		j, err := Decode(encodeTwo(first))
		if !errors.Is(err, moonfirefs.ErrCorrupt) || len(j.Samples) != 2 || j.Samples[1] != open {
			t.Errorf("%s: %+v, %v", name, j, err)
		}
	}
}

// Up to any byte at which a journal ends, all records that are whole are read.
func TestEveryTruncation(t *testing.T) {
	data := encode(t, &example, 1, 2)
	ends := recordEnds(t, data)
	if len(ends) != 4 {
		t.Fatalf("%d records", len(ends)-1)
	}
	for size := range data {
		j, err := Decode(data[:size])
		if size < ends[0] {
			if j != nil || !errors.Is(err, moonfirefs.ErrCorrupt) {
				t.Fatalf("%d bytes: %+v, %v", size, j, err)
			}
			continue
		}
		whole := 0
		for whole+1 < len(ends) && ends[whole+1] <= size {
			whole++
		}
		requirePrefix(t, j, &example, whole)
		if (err == nil) != (size == ends[whole]) {
			t.Fatalf("%d bytes: %v", size, err)
		}
	}
}

// recordEnds returns where the header and the records end.
func recordEnds(t *testing.T, data []byte) (ends []int) {
	t.Helper()
	d := &decoder{data: data}
	h := d.header()
	if d.err != nil {
		t.Fatal(d.err)
	}
	ends = append(ends, d.offset)
	for d.offset < len(data) && d.err == nil {
		d.record(&Journal{Header: *h})
		ends = append(ends, d.offset)
	}
	return ends
}

// requirePrefix requires j to be want with its first n samples.
func requirePrefix(t *testing.T, j, want *Journal, n int) {
	t.Helper()
	if j == nil || len(j.Samples) != n || !reflect.DeepEqual(j.Header, want.Header) {
		t.Fatalf("got %+v, want %d samples", j, n)
	}
	for i, s := range j.Samples {
		if s != want.Samples[i] {
			t.Fatalf("sample %d: %+v", i, s)
		}
	}
}

// Whatever bit is flipped, what is read is what was written, up to the damage.
func TestEveryFlippedBit(t *testing.T) {
	data := encode(t, &example, 1, 2)
	ends := recordEnds(t, data)
	for i := range data {
		for bit := range 8 {
			damaged := bytes.Clone(data)
			damaged[i] ^= 1 << bit
			j, err := Decode(damaged)
			if !errors.Is(err, moonfirefs.ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Fatalf("bit %d of byte %d: %v", bit, i, err)
			}
			if i < ends[0] {
				if j != nil {
					t.Fatalf("bit %d of byte %d: %+v", bit, i, j)
				}
				continue
			}
			whole := 0
			for ends[whole+1] <= i {
				whole++
			}
			requirePrefix(t, j, &example, whole)
		}
	}
}

// Values that no recorder writes are damage, even where the checksums are right.
func TestRefusesAbsurdValues(t *testing.T) {
	tests := map[string]func(*Journal){
		"stream 0":            func(j *Journal) { j.Stream = 0 },
		"negative open":       func(j *Journal) { j.Open = math.MinInt64 },
		"negative run offset": func(j *Journal) { j.RunOffset = -1 },
		"no width":            func(j *Journal) { j.Entry.Width = 0 },
		"no pixel aspect":     func(j *Journal) { j.Entry.PixelAspectV = 0 },
		"no sample entry":     func(j *Journal) { j.Entry.Data = nil },
		"short sample entry":  func(j *Journal) { j.Entry.Data = []byte("\x00\x00\x00\x0davc1test") },
	}
	for name, change := range tests {
		j, entry := example, *example.Entry
		j.Entry = &entry
		change(&j)
		if got, err := Decode(encode(t, &j)); got != nil || !errors.Is(err, moonfirefs.ErrCorrupt) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	records := map[string]func(*Journal){
		"before 1970":    func(j *Journal) { j.Start90k = -1 },
		"after 9999":     func(j *Journal) { j.Start90k = math.MaxInt64 },
		"delta":          func(j *Journal) { j.LocalTimeDelta90k = math.MinInt64 },
		"no samples":     func(j *Journal) { j.Samples = nil },
		"five minutes":   func(j *Journal) { j.Samples[0].Duration90k = int32(moonfirefs.MaxRecordingDuration90k) },
		"no duration":    func(j *Journal) { j.Samples[0].Duration90k = 0 },
		"durations wrap": func(j *Journal) { j.Samples[0].Duration90k, j.Samples[1].Duration90k = math.MaxInt32, math.MaxInt32 },
	}
	for name, change := range records {
		j := example
		j.Samples = append([]Sample(nil), example.Samples...)
		change(&j)
		got, err := Decode(encode(t, &j))
		if !errors.Is(err, moonfirefs.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		requirePrefix(t, got, &example, 0)
	}
}

// A sample without a duration is the last one of its record, in which version 1 said that
// the recording has ended.
func TestTrailingZero(t *testing.T) {
	j := example
	j.Samples = append([]Sample(nil), example.Samples...)
	j.Samples[2].Duration90k = 0
	data := encode(t, &j, 1)
	if got, err := Decode(data); err != nil || !reflect.DeepEqual(got, &j) {
		t.Errorf("%+v, %v", got, err)
	}
	data[len(magic)] = 1
	j.Ended = true
	if got, err := Decode(data); err != nil || !reflect.DeepEqual(got, &j) {
		t.Errorf("%+v, %v", got, err)
	}
	j.Samples[1].Duration90k = 0
	got, err := Decode(encode(t, &j, 2))
	if !errors.Is(err, moonfirefs.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
	requirePrefix(t, got, &j, 2)
}

// Composition offsets are in those records that have any.
func TestReordered(t *testing.T) {
	j := example
	j.Samples = append([]Sample(nil), example.Samples...)
	j.Samples[1].CompositionOffset90k, j.Samples[2].CompositionOffset90k = 3000, -2997
	for _, cuts := range [][]int{nil, {1}, {1, 2}} {
		if got, err := Decode(encode(t, &j, cuts...)); err != nil || !reflect.DeepEqual(got, &j) {
			t.Errorf("records begin at %v: %+v, %v", cuts, got, err)
		}
	}
}

// The sum of durations is bounded over all records, not in each.
func TestDurationsAddUp(t *testing.T) {
	j := example
	j.Samples = nil
	for range 6 {
		j.Samples = append(j.Samples, Sample{moonfirefs.Sample{Duration90k: 60 * moonfirefs.UnitsPerSecond, Bytes: 1}, 0})
	}
	got, err := Decode(encode(t, &j, 1, 2, 3, 4, 5))
	if !errors.Is(err, moonfirefs.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
	requirePrefix(t, got, &j, 4)
}

func TestRefusesOtherVersionsAndLengths(t *testing.T) {
	data := encode(t, &example)
	data[3]++
	if j, err := Decode(data); j != nil || !errors.Is(err, ErrVersion) || errors.Is(err, moonfirefs.ErrCorrupt) {
		t.Errorf("version: %+v, %v", j, err)
	}
	data = append(encode(t, &example), make([]byte, MaxBytes)...)
	if j, err := Decode(data); !errors.Is(err, moonfirefs.ErrCorrupt) || len(j.Samples) != 3 {
		t.Errorf("zeros: %+v, %v", j, err)
	}
	long, err := AppendHeader(nil, &example.Header)
	if err != nil {
		t.Fatal(err)
	}
	var group Group
	for len(long) <= MaxBytes {
		group.Add(moonfirefs.Sample{Duration90k: 1, Bytes: 1}, 0)
		if group.Samples() == MaxGroupSamples {
			long = group.AppendRecord(long, example.Dating)
		}
	}
	if _, err := Decode(long); !errors.Is(err, moonfirefs.ErrCorrupt) {
		t.Errorf("too long: %v", err)
	}
	entry := *example.Entry
	entry.Data = make([]byte, maxContentBytes)
	if _, err := AppendHeader(nil, &Header{Entry: &entry}); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("large sample entry: %v", err)
	}
}

// Writing a record for each group of pictures allocates nothing.
func TestGroupDoesNotAllocate(t *testing.T) {
	var group Group
	buffer := make([]byte, 0, 4<<10)
	round := func() {
		for i := range 30 {
			group.Add(moonfirefs.Sample{Duration90k: 3000, Bytes: int32(1000 + i), Sync: i == 0}, uint32(i))
		}
		buffer = group.AppendRecord(buffer[:0], example.Dating)
	}
	if allocs := testing.AllocsPerRun(100, round); allocs != 0 {
		t.Errorf("%v allocations per group", allocs)
	}
}

// FuzzDecode: whatever the bytes, the result is within its limits, and encodes to
// what decodes to the same.
func FuzzDecode(f *testing.F) {
	data := encode(f, &example, 1, 2)
	f.Add(data)
	f.Add(data[:len(data)-1])
	f.Add(data[:60])
	f.Add(encode(f, &example))
	reordered := example
	reordered.Samples = append([]Sample(nil), example.Samples...)
	reordered.Samples[1].CompositionOffset90k = 2997
	f.Add(encode(f, &reordered, 2))
	f.Add(encode(f, withAudio()))
	f.Add([]byte("MFJ\x03"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := Decode(repaired(data))
		if j == nil {
			if err == nil {
				t.Fatal("nothing, and no error")
			}
			return
		}
		var duration90k moonfirefs.Duration90k
		for i, s := range j.Samples {
			duration90k += moonfirefs.Duration90k(s.Duration90k)
			if s.Bytes <= 0 || s.Duration90k < 0 || s.Duration90k == 0 && i < len(j.Samples)-1 {
				t.Fatalf("sample %d: %+v", i, s)
			}
		}
		if duration90k >= moonfirefs.MaxRecordingDuration90k || j.Stream <= 0 || j.Open <= 0 || j.RunOffset < 0 {
			t.Fatalf("%+v", j)
		}
		if len(j.Samples) == 0 || len(j.Samples) > 10_000 {
			return
		}
		encoded := encode(t, j)
		if j.Ended {
			encoded[len(magic)] = 1
		}
		again, err := Decode(encoded)
		if err != nil || !reflect.DeepEqual(again, j) {
			t.Fatalf("%+v became %+v, %v", j, again, err)
		}
	})
}

// repaired makes the checksums right, which the fuzzer would hardly ever guess.
func repaired(data []byte) []byte {
	data = bytes.Clone(data)
	d := &decoder{data: data}
	d.take(prefixBytes)
	for d.err == nil && d.offset < len(data) {
		begin := d.offset
		frame := d.take(frameBytes)
		if d.err != nil {
			break
		}
		length := int64(frame[0])<<24 | int64(frame[1])<<16 | int64(frame[2])<<8 | int64(frame[3])
		if length > int64(len(data)-d.offset) {
			break
		}
		d.take(int(length))
		fillFrame(data[:d.offset], begin)
	}
	return data
}
