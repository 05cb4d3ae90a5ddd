// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
)

// decodeAudio returns the chunks of an audio index.
func decodeAudio(blob []byte) (videoSamples []int32, chunks [][]AudioSample, err error) {
	d := DecodeAudioIndex(blob)
	for d.NextChunk() {
		var chunk []AudioSample
		for d.Next() {
			chunk = append(chunk, d.AudioSample)
		}
		videoSamples, chunks = append(videoSamples, d.VideoSamples), append(chunks, chunk)
	}
	return videoSamples, chunks, d.Err()
}

// TestAudioIndexExample ensures the worked example of design/audio.md.
func TestAudioIndexExample(t *testing.T) {
	var e AudioIndexEncoder
	e.AddChunk(15, []AudioSample{{5760, 200}, {5760, 205}})
	e.AddChunk(15, []AudioSample{{5761, 190}})
	if got, want := hex.EncodeToString(e.Blob()), "0f02"+"805a"+"9003"+"00"+"0a"+"0f01"+"02"+"1d"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if want := (AudioSummary{Samples: 3, Chunks: 2, Bytes: 595, Duration90k: 17281}); e.Sum() != want {
		t.Errorf("sum %+v, want %+v", e.Sum(), want)
	}
	videoSamples, chunks, err := decodeAudio(e.Blob())
	if err != nil || !slices.Equal(videoSamples, []int32{15, 15}) || len(chunks) != 2 ||
		!slices.Equal(chunks[0], []AudioSample{{5760, 200}, {5760, 205}}) || !slices.Equal(chunks[1], []AudioSample{{5761, 190}}) {
		t.Errorf("decoded %v %v, %v", videoSamples, chunks, err)
	}
}

// TestAudioIndexRefuses ensures that damage is found, and said where.
func TestAudioIndexRefuses(t *testing.T) {
	for blob, want := range map[string]string{
		"80":                          "at byte 0 of 1: bad varint of video samples",
		"01":                          "bad varint of samples",
		"0001":                        "number of samples out of range",
		"0100":                        "number of samples out of range",
		"0101":                        "at byte 2 of 2: bad duration varint",
		"010102":                      "bad size varint",
		"01010002":                    "duration out of range",
		"01010200":                    "sample size out of range",
		"01010201":                    "sample size out of range",
		"0102feffffff0f0200":          "bad size varint",
		"0102feffffff0f020000" + "01": "durations overflow",
		"0101808080808002":            "bad duration varint",
		"8000":                        "bad varint of video samples",
		"ffffffff070102020101":        "numbers of samples overflow",
	} {
		data, err := hex.DecodeString(blob)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = decodeAudio(data)
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", blob, err, want)
		}
	}
}

// FuzzAudioIndex ensures that no bytes make the decoder panic, that what it
// accepts has exactly one encoding, and that sums are those of the samples.
func FuzzAudioIndex(f *testing.F) {
	var e AudioIndexEncoder
	e.AddChunk(15, []AudioSample{{5760, 200}, {5760, 205}})
	e.AddChunk(1, []AudioSample{{1, 1}})
	f.Add(bytes.Clone(e.Blob()))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, blob []byte) {
		videoSamples, chunks, err := decodeAudio(blob)
		if err != nil {
			return
		}
		var e AudioIndexEncoder
		for i, chunk := range chunks {
			e.AddChunk(videoSamples[i], chunk)
		}
		if !bytes.Equal(e.Blob(), blob) {
			t.Errorf("%x is decoded and encoded as %x", blob, e.Blob())
		}
		if sum, _, err := AudioIndexSum(blob); err != nil || sum != e.Sum() {
			t.Errorf("%x adds up to %+v, %v, encoded to %+v", blob, sum, err, e.Sum())
		}
	})
}
