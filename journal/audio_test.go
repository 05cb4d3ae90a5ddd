// SPDX-License-Identifier: GPL-3.0-or-later

package journal

import (
	"errors"
	"reflect"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// withAudio is the worked example with two chunks of audio.
func withAudio() *Journal {
	j := example
	j.AudioEntry = moonfirefs.NewAudioSampleEntry([]byte("\x00\x00\x00\x0calawtest"), 8000, 1, 0, "alaw")
	j.Chunks = []Chunk{
		{After: 1, Samples: []moonfirefs.AudioSample{{Duration90k: 1800, Bytes: 160}, {Duration90k: 1801, Bytes: 158}}, Sum: 0x12345678, Bytes: 318, Start90k: 90},
		{After: 3, Samples: []moonfirefs.AudioSample{{Duration90k: 1800, Bytes: 160}}, Sum: 0x9abcdef0, Bytes: 160, Start90k: 90},
	}
	return &j
}

// TestAudio ensures that what is written of audio is read, that a journal without
// it is what it was, and that each truncation leaves what lies before it.
func TestAudio(t *testing.T) {
	want := withAudio()
	data := encode(t, want)
	j, err := Decode(data)
	if err != nil || !reflect.DeepEqual(j, want) {
		t.Fatalf("decoded %+v, %v, want %+v", j, err, want)
	}
	for n := range data {
		j, _ := Decode(data[:n])
		if j == nil {
			continue
		}
		for i, c := range j.Chunks {
			if !reflect.DeepEqual(c, want.Chunks[i]) || c.After > len(j.Samples) {
				t.Errorf("of %d bytes: chunk %+v", n, c)
			}
		}
		if n < len(data)-1 && len(j.Chunks) == 2 {
			t.Errorf("of %d bytes: all chunks", n)
		}
	}
}

// TestAudioRefuses ensures that chunks that cannot be are damage.
func TestAudioRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Journal){
		"no configuration":         func(j *Journal) { j.AudioEntry = nil },
		"no rate":                  func(j *Journal) { j.AudioEntry.SampleRate = 0 },
		"an entry that is not one": func(j *Journal) { j.AudioEntry.Data = []byte("\x00\x00\x00\x0dalawtest") },
		"a start before":           func(j *Journal) { j.Chunks[0].Start90k = -1 },
		"a start far behind":       func(j *Journal) { j.Chunks[0].Start90k = moonfirefs.MaxRecordingDuration90k },
		"it lasts too long":        func(j *Journal) { j.Chunks[0].Samples[0].Duration90k = 2 * 300 * 90000 },
	} {
		j := withAudio()
		spoil(j)
		if got, err := Decode(encode(t, j)); !errors.Is(err, moonfirefs.ErrCorrupt) || len(got.Chunks) != 0 {
			t.Errorf("%s: %v, %+v", name, err, got.Chunks)
		}
	}
	j := withAudio()
	data := AppendChunk(encode(t, j), 5, &j.Chunks[1])
	if got, err := Decode(data); !errors.Is(err, moonfirefs.ErrCorrupt) || len(got.Chunks) != 2 {
		t.Errorf("a chunk in a wrong place: %v", err)
	}
}
