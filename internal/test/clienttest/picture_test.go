// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bufio"
	"bytes"
	"errors"
	"image"
	_ "image/png" // what VLC and Chromium write
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// What decoders are asked for: small gray pictures, one byte for each pixel.
const (
	grayWidth, grayHeight = 128, 72
	grayBytes             = grayWidth * grayHeight
)

// readCounters reads the numbers of gray pictures, one after the other.
func readCounters(t *testing.T, r io.Reader) (counters []int) {
	t.Helper()
	buffered := bufio.NewReaderSize(r, 64*grayBytes)
	picture := &image.Gray{Pix: make([]byte, grayBytes), Stride: grayWidth, Rect: image.Rect(0, 0, grayWidth, grayHeight)}
	for {
		_, err := io.ReadFull(buffered, picture.Pix)
		if errors.Is(err, io.EOF) {
			return counters
		}
		if err != nil {
			t.Fatalf("picture %d: %v", len(counters), err)
		}
		counter, ok := testcamera.ReadCounter(picture)
		if !ok {
			t.Fatalf("picture %d is not one of the camera's", len(counters))
		}
		counters = append(counters, counter)
	}
}

// readPicture reads the number of an encoded picture.
func readPicture(t *testing.T, r io.Reader) int {
	t.Helper()
	picture, _, err := image.Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	counter, ok := testcamera.ReadCounter(picture)
	if !ok {
		t.Fatal("not one of the camera's pictures")
	}
	return counter
}

// readPictures reads the numbers of pictures in files, in the order of names. It
// leaves out those that have none, and says how many those are.
func readPictures(t *testing.T, pattern string) (counters []int, unreadable int) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		picture, _, err := image.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if counter, ok := testcamera.ReadCounter(picture); ok {
			counters = append(counters, counter)
		} else {
			unreadable++
		}
	}
	return counters, unreadable
}

// sameCounters requires the pictures of a movie, all of them, in order.
func sameCounters(t *testing.T, m *movie, got []int) {
	t.Helper()
	want := m.counters()
	if len(got) != len(want) {
		t.Errorf("%s: %d pictures, want %d", m.path, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: picture %d is number %d, want %d", m.path, i, got[i], want[i])
		}
	}
}

// seekPositions are five places in a movie, at the beginning of pictures, so that
// rounding makes no difference.
func seekPositions(m *movie) (positions []time.Duration) {
	whole := m.duration().Truncate(time.Second)
	for _, part := range []time.Duration{5, 30, 50, 70, 95} {
		positions = append(positions, (whole * part / 100).Truncate(time.Second/fps))
	}
	return positions
}

// near requires a position to show the picture that belongs there, or one close
// by: players may show the picture before the one that begins there. A player
// that starts in a gap may show the picture that is held, or wait for the next.
func near(t *testing.T, m *movie, position time.Duration, got, tolerance int) {
	t.Helper()
	want, held := m.frameAt(position)
	if held && got == m.counterAfterGap(position) {
		return
	}
	if got < want-tolerance || got > want+tolerance {
		t.Errorf("%s: at %v is picture %d, want %d", m.path, position, got, want)
	}
}
