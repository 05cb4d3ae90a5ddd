// SPDX-License-Identifier: GPL-3.0-or-later

package verify

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// atom is a box around parts.
func atom(kind string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), append([]byte(kind), body...)...)
}

func words(all ...uint32) (data []byte) {
	for _, n := range all {
		data = binary.BigEndian.AppendUint32(data, n)
	}
	return data
}

func track(stsz, stsc, stco []byte) []byte {
	return atom("moov", atom("trak", atom("mdia", atom("hdlr", words(0, 0), []byte("vide")),
		atom("minf", atom("stbl", atom("stsz", stsz), atom("stsc", stsc), atom("stco", stco))))))
}

// Ensures that tables which claim more than there is cost nothing, and name no sample
// outside of the file.
func TestHostileTables(t *testing.T) {
	for name, file := range map[string][]byte{
		"nothing":                 nil,
		"a box of no size":        words(8, 0, 3),
		"a box that is too long":  atom("moov")[:7],
		"a size of 64 bits":       append(words(1), append([]byte("moov"), words(0xffffffff, 0xffffffff)...)...),
		"billions of samples":     track(words(0, 1, 0xffffffff), words(0, 1, 1, 0xffffffff, 1), words(0, 1, 0)),
		"millions of samples":     track(words(0, 1, maxSamples), words(0, 1, 1, maxSamples, 1), words(0, 1, 0)),
		"millions of large ones":  track(words(0, 0xffffffff, maxSamples), words(0, 1, 1, maxSamples, 1), words(0, 1, 0)),
		"billions of table rows":  track(words(0, 0, 0xffffffff), words(0, 0xffffffff), words(0, 0xffffffff)),
		"no runs":                 track(words(0, 1, 5), words(0, 0), words(0, 1, 0)),
		"samples behind the file": track(words(0, 0xffffff00, 3), words(0, 1, 1, 3, 1), words(0, 1, 0xffffff00)),
	} {
		samples, err := readVideoTrack(bytes.NewReader(file), int64(len(file)))
		if name != "samples behind the file" && err == nil {
			t.Errorf("%s: %d samples", name, len(samples))
		}
		requireWithin(t, samples, len(file))
	}
}

func requireWithin(t *testing.T, samples []fileSample, size int) {
	t.Helper()
	for _, s := range samples {
		if s.bytes >= 0 && (s.offset < 0 || s.offset > int64(size)-s.bytes) {
			t.Errorf("a sample of %d bytes at %d of %d", s.bytes, s.offset, size)
		}
	}
}

// FuzzVideoTrack ensures the same of whatever is called an mp4 file.
func FuzzVideoTrack(f *testing.F) {
	f.Add(track(words(0, 0, 3, 1, 2, 3), words(0, 1, 1, 3, 1), words(0, 1, 8)))
	f.Add(track(words(0, 7, 3), words(0, 2, 1, 2, 1, 2, 1, 1), words(0, 2, 8, 22)))
	f.Fuzz(func(t *testing.T, file []byte) {
		samples, err := readVideoTrack(bytes.NewReader(file), int64(len(file)))
		if err == nil {
			requireWithin(t, samples, len(file))
		}
	})
}
