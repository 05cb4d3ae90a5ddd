// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/nvrstore"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/sample"
)

// The file meta is read whatever else it has, and what is damaged is an error.
func TestParseMeta(t *testing.T) {
	database, dir := uuid.New(), uuid.New()
	right := nvrstore.Meta(database, dir)
	if m, err := parseMeta(right); err != nil || m.database != database || m.dir != dir {
		t.Errorf("%v, %v", m, err)
	}
	for name, data := range map[string][]byte{
		"empty":          nil,
		"short":          right[:511],
		"long":           append(append([]byte(nil), right...), 0),
		"length":         append([]byte{0xff, 0xff, 0x03}, right[3:]...),
		"endless varint": []byte(strings.Repeat("\xff", metaBytes)),
		"field too long": append([]byte{right[0], right[1], 1<<3 | 2, 0x7f, 0x7f}, right[5:]...),
	} {
		if m, err := parseMeta(data); err == nil && m.database == database && m.dir == dir {
			t.Errorf("%s: it is taken for %v", name, m)
		}
	}
}

// Each directory that is not the one that was meant costs one clear line.
func TestVerifyMeta(t *testing.T) {
	database, dir := uuid.New(), uuid.New()
	for name, c := range map[string]struct {
		meta []byte
		want string
	}{
		"no meta":        {nil, "is its disk mounted?"},
		"other database": {nvrstore.Meta(uuid.New(), dir), "it belongs to database"},
		"other dir":      {nvrstore.Meta(database, uuid.New()), "it is directory"},
		"damaged":        {[]byte("meta"), "is damaged"},
		"right":          {nvrstore.Meta(database, dir), ""},
	} {
		path := t.TempDir()
		if c.meta != nil {
			if err := os.WriteFile(filepath.Join(path, metaName), c.meta, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d := sample.NewForeign(path, layoutOf(dirMeta{database, dir}))
		err := d.Attach()
		switch {
		case (err == nil) != (c.want == ""):
			t.Errorf("%s: %v", name, err)
		case err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: %v, want a line with %q", name, err, c.want)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The UUID of a sample file has the id of its recording in it.
func TestFileOf(t *testing.T) {
	for _, id := range []moonfirefs.RecordingID{1, 1<<32 | 1, firstID(moonfirefs.MaxStreamID) | 1<<31} {
		if got := idOf(fileOf(id)); got != id {
			t.Errorf("%x became %x", id, got)
		}
	}
	if got := fileName(7<<32 | 0x1a); got != "000000070000001a" {
		t.Errorf("the file is called %s", got)
	}
}

// Whatever a camera is called there, its folder has a name that is possible and its own.
func TestNames(t *testing.T) {
	names := make(nameSet)
	seen := make(map[string]bool)
	for _, theirs := range []string{"yard", "Yard", "yard", "", ".", "..", "a/b", "a\\b", "yard-sub", "con ", "\x00", "\xff", strings.Repeat("ä", 300), "saved"} {
		name := names.choose(theirs)
		if err := moonfirefs.CheckShortName(name); err != nil || seen[strings.ToLower(name)] {
			t.Errorf("%q is called %q: %v", theirs, name, err)
		}
		seen[strings.ToLower(name)] = true
	}
}

// Each version that is not known costs one clear line that says what to do.
func TestVersions(t *testing.T) {
	for version, want := range map[int]error{4: moonfirefs.ErrInvalid, 5: nil, 6: nil, 7: nil, 8: moonfirefs.ErrNewer} {
		s := nvrstore.New(t, max(5, min(version, 7)), 1)
		s.Exec(`update version set id = ?`, version)
		source, err := openCopy(t, s)
		if !errors.Is(err, want) || err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("version %d: %v, want %v", version, err, want)
		}
		if err == nil && source.version != version {
			t.Errorf("version %d is taken for %d", version, source.version)
		}
	}
}

// openCopy copies the database of a store and opens the copy.
func openCopy(t *testing.T, s *nvrstore.Store) (*source, error) {
	t.Helper()
	c := &copier{theirs: s.Path, ours: t.TempDir(), show: func(int64, int64) {}}
	if _, _, err := c.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	source, err := openSource(t.Context(), c.ours)
	if err == nil {
		t.Cleanup(func() { _ = source.Close() })
	}
	return source, err
}

// Each copy that is accepted while the recorder writes is one consistent state, and none is
// older than the one before.
func TestCopyOfABusyDatabase(t *testing.T) {
	media, err := teststore.Encode(t.Context(), teststore.Params{Codec: teststore.H264, Width: 320, Height: 180, FPS: 10, Seconds: 2})
	if err != nil {
		t.Fatal(err)
	}
	s := nvrstore.New(t, 7, 1)
	st := s.AddCamera("driveway", 0, "main")[0]
	s.Record(st, media, media.Samples, nvrstore.Run{Start90k: teststore.At("2026-11-22T13:00:00Z")})
	c := &copier{theirs: s.Path, ours: t.TempDir(), show: func(int64, int64) {}}
	copies := make(chan struct{})
	go func() {
		defer close(copies)
		var last int64
		for range 40 {
			if _, _, err := c.refresh(t.Context()); err != nil {
				if !errors.Is(err, moonfirefs.ErrBusy) {
					t.Error(err)
				}
				continue
			}
			last = requireConsistent(t, c.ours, last)
		}
	}()
	for n := 0; ; n++ {
		select {
		case <-copies:
			return
		default:
		}
		s.Record(st, media, media.Samples, nvrstore.Run{})
		if n%5 == 4 {
			s.Exec(`pragma wal_checkpoint(restart)`)
		}
	}
}

// requireConsistent requires of a copy that nothing is wrong with it, and returns how many
// recordings it has, which are no fewer than before.
func requireConsistent(t *testing.T, folder string, before int64) int64 {
	source, err := openSource(t.Context(), folder)
	if err != nil {
		t.Error(err)
		return before
	}
	defer source.Close()
	var problem string
	var orphans int64
	err = source.db.QueryRowContext(t.Context(), `select integrity_check, (select count(*) from recording r left join recording_playback p using (composite_id) where p.composite_id is null)
		from pragma_integrity_check`).Scan(&problem, &orphans)
	n, countErr := source.count(t.Context())
	if err := errors.Join(err, countErr); err != nil || problem != "ok" || orphans > 0 || n < before {
		t.Errorf("%v, %s, %d recordings without an index, %d recordings after %d", err, problem, orphans, n, before)
	}
	return n
}

// The samples of a recording last as long as its wall duration, each for a while, and in their
// order.
func TestToWall(t *testing.T) {
	for _, wall90k := range []moonfirefs.Duration90k{300, 299, 301, 3, 1000} {
		var e moonfirefs.VideoIndexEncoder
		for range 3 {
			e.Add(moonfirefs.Sample{Duration90k: 100, Bytes: 10, Sync: true})
		}
		r := &recording{media90k: 300}
		r.ID, r.Start90k, r.Duration90k, r.SampleFileBytes, r.VideoSamples, r.VideoSyncSamples = 1, 90000, wall90k, 30, 3, 3
		r.VideoIndex = e.Blob()
		if problem := r.toWall(); problem != "" {
			t.Errorf("%d: %s", wall90k, problem)
		}
		var sum90k moonfirefs.Duration90k
		for d := moonfirefs.DecodeVideoIndex(r.VideoIndex, 0); d.Next(); {
			if d.Sample.Duration90k < 1 {
				t.Errorf("%d: a sample lasts for %d", wall90k, d.Sample.Duration90k)
			}
			sum90k += moonfirefs.Duration90k(d.Sample.Duration90k)
		}
		if sum90k != wall90k {
			t.Errorf("the samples last for %d, want %d", sum90k, wall90k)
		}
	}
}
