// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// Ensures that listings and lookups agree where dates are in two pieces: in St.
// John's, clocks once went back from 00:01 to 23:01 of the day before.
func TestDateInTwoPieces(t *testing.T) {
	path, f := newStore(t, "America/St_Johns", unlimited)
	for _, start := range []string{
		"2010-11-07T00:00:10-02:30", // the minute before the change
		"2010-11-06T23:30:00-03:30", // the day before, for the second time
		"2010-11-07T00:00:10-03:30", // and the minute again
		"2010-11-06T23:30:00-02:30", // the first time
	} {
		f.mustRecord(t, take{Start90k: at(t, start), Count: 1, Seconds: 1})
	}
	s := startServer(t, serveOptions{Store: path})
	if got, want := dates(t, s.path("driveway")), []string{"2010-11-06", "2010-11-07"}; !slices.Equal(got, want) {
		t.Errorf("there are the dates %q, want %q", got, want)
	}
	for date, want := range map[string][]string{
		"2010-11-06": {"23-0230.mp4", "23-0330.mp4"},
		"2010-11-07": {"00-0230.mp4", "00-0330.mp4"},
	} {
		if got := names(t, s.path("driveway", date)); !slices.Equal(got, want) {
			t.Errorf("%s holds %q, want %q", date, got, want)
		}
		for _, name := range want {
			mustRead(t, s.path("driveway", date, name))
		}
	}
}

// Ensures that a camera that is added while the store is mounted appears, and
// that the folder of one without footage is empty.
func TestNewCamera(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	s := startServer(t, serveOptions{Store: path})
	folder := s.path("garage")
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("stat: %v", err)
	}
	err := f.DB.AddCamera(t.Context(), &moonfirefs.Camera{UUID: uuid.New(), ShortName: "garage", Streams: []moonfirefs.Stream{
		{Kind: moonfirefs.MainStream, SampleDir: 1, URL: "rtsp://192.0.2.2/", Transport: moonfirefs.TCP},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := dates(t, folder); len(got) != 0 {
		t.Errorf("the folder holds %q", got)
	}
	if got := names(t, s.mountpoint); !slices.Contains(got, "garage") {
		t.Errorf("there are %q", got)
	}
}
