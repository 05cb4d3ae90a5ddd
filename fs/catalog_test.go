package fs

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// Ensures that the listings that are remembered are bounded in bytes, and that a
// listing replaces the one before of its date.
func TestListingsAreBounded(t *testing.T) {
	const files = 24
	list := func() *day { return &day{files: make([]file, files)} }
	c := newMemory(100 * list().memoryBytes())
	for i := range 300 {
		key := dayKey{date: civil.Date{Year: int32(i)}}
		for range 2 {
			d := list()
			if c.put(key, d); !remembers(c, key, d) {
				t.Fatal("a listing is forgotten at once")
			}
		}
	}
	if len(c.memories) != 100 || c.bytes != c.maxBytes {
		t.Errorf("%d listings are remembered, in %d bytes of %d", len(c.memories), c.bytes, c.maxBytes)
	}
}

func remembers(m *memory, key dayKey, d *day) bool {
	found, ok := recall[*day](m, key)
	return ok && found == d
}

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
		{Kind: moonfirefs.MainStream, SampleDir: f.dir, URL: "rtsp://192.0.2.2/", Transport: moonfirefs.TCP},
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

// Ensures that a version can be opened for as long as its recordings are there,
// though the hour has outgrown it, and not with others in their place.
func TestVersionsAreFoundAgain(t *testing.T) {
	footage, err := loadFootage()
	if err != nil {
		t.Fatal(err)
	}
	sample, _ := footage[0].recording(10, 0)
	_, f := newStore(t, newYork, 4*sample.SampleFileBytes)
	tree, err := newTree(t.Context(), Options{DB: f.DB, Dirs: f.Dirs, Zone: f.Zone})
	if err != nil {
		t.Fatal(err)
	}
	start := at(t, "2026-11-22T13:00:00-05:00")
	// newest returns the version of the hour of now.
	newest := func() *hourFile {
		now, err := tree.snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d := &dayFolder{tree: tree, stream: now.streams[0].stream, date: mustDate(t, "2026-11-22")}
		list, err := d.list(t.Context())
		if err != nil || len(list.files) != 1 {
			t.Fatalf("the day has the files %v: %v", list, err)
		}
		return &hourFile{tree: tree, stream: d.stream, file: list.files[0]}
	}
	versions := make([]*hourFile, 0, 6)
	for i := range 6 {
		f.mustRecord(t, take{Start90k: start.Add(seconds(10 * i)), Count: 1, Seconds: 10})
		versions = append(versions, newest())
		for j, version := range versions {
			// From the fifth on, each recording makes the oldest one go.
			rotated := i >= 4 && j < i
			spec, err := version.spec(t.Context())
			switch {
			case rotated && !errors.Is(err, errStale):
				t.Errorf("after %d recordings, version %d: %v", i+1, j+1, err)
			case !rotated && err != nil:
				t.Errorf("after %d recordings, version %d: %v", i+1, j+1, err)
			case !rotated && mp4.Size(spec) != version.file.sizeBytes:
				t.Errorf("after %d recordings, version %d has another size", i+1, j+1)
			}
		}
	}
}
