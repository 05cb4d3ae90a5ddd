// SPDX-License-Identifier: GPL-3.0-or-later

package check_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/check"
	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a store with a few recordings, closed in order.
type fixture struct {
	*testing.T
	path string
	rows []moonfirefs.Recording
}

func newFixture(t *testing.T, n int) *fixture {
	t.Helper()
	f := &fixture{T: t, path: teststore.New(t, n)}
	s := teststore.OpenAs(t, f.path, store.Reading)
	defer s.Close()
	var err error
	f.rows, err = s.DB.Recordings(t.Context(), 1, 0, n+1, true)
	f.must(err)
	return f
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// exec changes the database past package index.
func (f *fixture) exec(query string, args ...any) {
	f.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(f.path, "moonfire.db"))
	f.must(err)
	defer db.Close()
	_, err = db.ExecContext(f.Context(), query, args...)
	f.must(err)
}

// odd changes the database as no program of ours does.
func (f *fixture) odd(query string) {
	f.Helper()
	f.exec(`pragma ignore_check_constraints = on; pragma foreign_keys = off; ` + query)
}

func (f *fixture) file(name uuid.UUID) string {
	return filepath.Join(f.path, "samples", name.String())
}

func (f *fixture) check(o check.Options) *check.Report {
	f.Helper()
	s := teststore.OpenAs(f.T, f.path, store.Reading)
	defer s.Close()
	report, err := check.Check(f.Context(), s, o)
	f.must(err)
	return report
}

var thorough = check.Options{Index: true, Hash: true}

func kinds(findings []check.Finding) (kinds []check.Kind) {
	for _, f := range findings {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func TestCleanStore(t *testing.T) {
	f := newFixture(t, 3)
	report := f.check(thorough)
	if !report.Clean() || report.Recordings != 3 || report.Files != 3 || report.Bytes != 15000 || report.Reserved != 0 {
		t.Errorf("got %+v", report)
	}
	checktest.Require(t, f.path)
}

// TestFindings ensures that each thing that can be wrong is found, named, and
// nothing else is.
func TestFindings(t *testing.T) {
	tests := map[string]struct {
		breakIt func(*fixture)
		options check.Options
		want    []check.Kind
		// text is in the first finding.
		text string
	}{
		"a file is missing": {
			func(f *fixture) { f.must(os.Remove(f.file(f.rows[1].SampleFile))) },
			check.Options{}, []check.Kind{check.Missing}, "recording 2 ",
		},
		"what was deleted is there": {
			func(f *fixture) {
				f.exec(`insert into deletion (stream_id, folder, start_time_90k, end_time_90k, last_recording_id, requested_time_90k, requested_by, done_time_90k)
					values (1, 'driveway', ?, ?, 2, 1, 'me', 2)`, f.rows[0].Start90k, f.rows[2].Start90k)
			},
			check.Options{}, []check.Kind{check.Undeleted}, "deletion 1 has been carried out, but 2 recordings of it are there",
		},
		"a file is too short": {
			func(f *fixture) { f.must(os.Truncate(f.file(f.rows[1].SampleFile), 4999)) },
			check.Options{}, []check.Kind{check.Damaged}, "has 4999 bytes, its row says 5000",
		},
		"a file is a folder": {
			func(f *fixture) {
				f.must(os.Remove(f.file(f.rows[0].SampleFile)))
				f.must(os.Mkdir(f.file(f.rows[0].SampleFile), 0o700))
			},
			check.Options{}, []check.Kind{check.Damaged}, "regular",
		},
		"a byte of a file is wrong": {
			func(f *fixture) {
				data, err := os.ReadFile(f.file(f.rows[2].SampleFile))
				f.must(err)
				data[1234] ^= 1
				f.must(os.WriteFile(f.file(f.rows[2].SampleFile), data, 0o600))
			},
			thorough, []check.Kind{check.Damaged}, "SHA-256",
		},
		"a byte of a file is wrong that an older version has made": {
			func(f *fixture) {
				f.exec(`delete from sample_file_sha256`)
				data, err := os.ReadFile(f.file(f.rows[2].SampleFile))
				f.must(err)
				data[1234] ^= 1
				f.must(os.WriteFile(f.file(f.rows[2].SampleFile), data, 0o600))
			},
			thorough, []check.Kind{check.Damaged}, "SHA-1",
		},
		"an orphan": {
			func(f *fixture) {
				f.must(os.WriteFile(f.file(uuid.MustParse("01234567-89ab-cdef-0123-456789abcdef")), []byte("12345"), 0o600))
			},
			check.Options{}, []check.Kind{check.Orphan}, "01234567-89ab-cdef-0123-456789abcdef of 5 bytes",
		},
		"strangers that are not ours": {
			func(f *fixture) {
				f.must(os.WriteFile(filepath.Join(f.path, "samples", "notes.txt"), nil, 0o600))
				f.must(os.Mkdir(filepath.Join(f.path, "samples", "lost+found"), 0o700))
			},
			thorough, nil, "",
		},
		"a reserved name after an orderly end": {
			func(f *fixture) {
				name := uuid.New()
				f.exec(`insert into reserved_sample_files values (?, 1, 'deleted')`, name[:])
			},
			thorough, []check.Kind{check.Reserved}, "shut down in order",
		},
		"many of them, which are one finding": {
			func(f *fixture) {
				for range 500 {
					name := uuid.New()
					f.exec(`insert into reserved_sample_files values (?, 1, 'writing')`, name[:])
				}
			},
			thorough, []check.Kind{check.Reserved}, "500 names in ",
		},
		"a reserved name after a crash": {
			func(f *fixture) {
				name := uuid.New()
				f.exec(`insert into reserved_sample_files values (?, 1, 'writing')`, name[:])
				f.must(os.WriteFile(f.file(name), nil, 0o600))
				f.exec(`update open set end_time_90k = null`)
			},
			// The directory knows that the opening has ended.
			thorough, []check.Kind{check.Mismatch}, "has ended",
		},
		"a recording's name is reserved": {
			func(f *fixture) {
				f.exec(`insert into reserved_sample_files values (?, 1, 'writing')`, f.rows[0].SampleFile[:])
			},
			thorough, []check.Kind{check.Reserved}, "is reserved as well",
		},
		"a commit that was lost": {
			func(f *fixture) {
				f.must(os.Chmod(f.file(f.rows[2].SampleFile), 0o400))
				f.exec(`insert into reserved_sample_files select sample_file_uuid, 1, 'writing' from recording where id = 3;
					delete from recording where id = 3`)
			},
			thorough, []check.Kind{check.Reserved}, "the index has forgotten it",
		},
		"a damaged video index": {
			func(f *fixture) { f.exec(`update recording set video_index = x'80' where id = 2`) },
			check.Options{Index: true}, []check.Kind{check.Damaged}, "decode video index",
		},
		"a damaged video index, not looked at": {
			func(f *fixture) { f.exec(`update recording set video_index = x'80' where id = 2`) },
			check.Options{}, nil, "",
		},
		"another number of samples": {
			func(f *fixture) { f.exec(`update recording set video_samples = 6 where id = 2`) },
			check.Options{Index: true}, []check.Kind{check.Damaged}, "has 5 samples, its row says 6",
		},
		"another number of sync samples": {
			func(f *fixture) { f.exec(`update recording set video_sync_samples = 2 where id = 2`) },
			check.Options{Index: true}, []check.Kind{check.Damaged}, "has 1 sync samples, its row says 2",
		},
		"another duration": {
			func(f *fixture) {
				f.exec(`update recording set duration_90k = 90001 where id = 2; update stream set duration_90k = duration_90k + 1`)
			},
			check.Options{Index: true}, []check.Kind{check.Damaged}, "90000/90000 s, its row says 90001",
		},
		"another size": {
			func(f *fixture) {
				f.exec(`update recording set sample_file_bytes = 4000 where id = 2; update stream set sample_file_bytes = sample_file_bytes - 1000`)
				f.must(os.Truncate(f.file(f.rows[1].SampleFile), 4000))
			},
			check.Options{Index: true}, []check.Kind{check.Damaged}, "5000 bytes, its row says 4000",
		},
		"a wrong flag": {
			func(f *fixture) { f.exec(`update recording set flags = 1 where id = 2`) },
			check.Options{Index: true}, []check.Kind{check.Damaged}, "last sample",
		},
		"reordered, it says": {
			func(f *fixture) { f.exec(`update recording set flags = 4 where id = 2`) },
			check.Options{Index: true}, []check.Kind{check.Damaged}, "decode video index",
		},
		"wrong totals": {
			func(f *fixture) { f.exec(`update stream set sample_file_bytes = 1`) },
			check.Options{}, []check.Kind{check.Totals}, "says 1 bytes",
		},
		"a mark with another size": {
			func(f *fixture) { f.exec(`insert into marked values (2, 1, 4711)`) },
			check.Options{}, []check.Kind{check.Totals}, "the mark of recording 2 says 4711 bytes of stream 1, it has 5000 bytes",
		},
		"a mark of nothing": {
			func(f *fixture) { f.exec(`pragma foreign_keys = off; insert into marked values (77, 1, 5000)`) },
			check.Options{}, []check.Kind{check.Totals}, "recording 77 is marked as one with an event, and does not exist",
		},
		"a mark in order": {
			func(f *fixture) { f.exec(`insert into marked values (2, 1, 5000)`) },
			check.Options{}, nil, "",
		},
		"a run that begins within another": {
			func(f *fixture) {
				f.exec(`update recording set duration_90k = 900000, run_offset = 0 where id = 1; update recording set run_offset = 0;
					update stream set duration_90k = duration_90k + 810000`)
			},
			check.Options{}, []check.Kind{check.Overlap},
			"driveway: from 1970-01-01T00:00:02.00000Z to 1970-01-01T00:00:04.00000Z, 2 recordings begin before another has ended: recording 2, 9s before the end of recording 1",
		},
		"two stretches that overlap": {
			func(f *fixture) {
				f.exec(`update recording set start_time_90k = start_time_90k - 45000 where id = 2;
					update recording set start_time_90k = start_time_90k + 9000000, run_offset = 7 where id = 3`)
				s := teststore.MustOpen(f.T, f.path)
				defer s.Close()
				s.Append(f.T, 1)
				f.exec(`update recording set start_time_90k = 9225000, duration_90k = 270000 where id = 4; update stream set duration_90k = duration_90k + 180000`)
			},
			check.Options{}, []check.Kind{check.Overlap, check.Overlap}, "500ms before the end of recording 1",
		},
		"a run that begins two seconds too early": {
			func(f *fixture) {
				f.exec(`update recording set start_time_90k = start_time_90k - 180000, run_offset = 0 where id = 3`)
			},
			check.Options{}, nil, "",
		},
		"summaries that lack a recording": {
			func(f *fixture) { f.exec(`update hour_summaries set summaries = x''`) },
			check.Options{}, []check.Kind{check.Totals}, "are not those of its recordings",
		},
		"an hour without summaries": {
			func(f *fixture) { f.exec(`delete from hour_summaries`) },
			check.Options{}, []check.Kind{check.Totals}, "are not those of its recordings",
		},
		"a day that was not": {
			func(f *fixture) {
				f.exec(`insert into day_stretches select 68719476736 + start_time_90k / 324000000, start_time_90k, start_time_90k + 1, x'000202020200' from recording limit 1`)
			},
			check.Options{}, []check.Kind{check.Totals}, "are not those of its recordings",
		},
		"a reference to nowhere": {
			func(f *fixture) { f.exec(`pragma foreign_keys = off; update recording set open_id = 77 where id = 1`) },
			// The newest recording is of another opening.
			check.Options{}, []check.Kind{check.Integrity}, "row 1 of table recording refers to a row of table open",
		},
		"a changed sample entry": {
			func(f *fixture) { f.exec(`update video_sample_entry set data = x'0000000a68766331ffff'`) },
			check.Options{}, []check.Kind{check.Integrity}, "row 1 of table video_sample_entry: it differs",
		},
		"a start at the end of time": {
			func(f *fixture) { f.odd(`update recording set start_time_90k = 9223372036854775807 where id = 2`) },
			thorough, []check.Kind{check.Damaged}, "recording 2 of",
		},
		"a start at the beginning of time": {
			func(f *fixture) { f.odd(`update recording set start_time_90k = -9223372036854775808 where id = 2`) },
			thorough, []check.Kind{check.Damaged}, "its start",
		},
		"a duration of a thousand years": {
			func(f *fixture) {
				f.odd(`update recording set duration_90k = 1 << 55 where id = 2; update stream set duration_90k = (select sum(duration_90k) from recording)`)
			},
			thorough, []check.Kind{check.Damaged}, "its duration",
		},
		"more bytes than can be counted": {
			func(f *fixture) {
				f.odd(`update recording set sample_file_bytes = 9223372036854775807 where id = 2`)
			},
			thorough, []check.Kind{check.Damaged, check.Totals}, "its sample file",
		},
		"a number that is none": {
			func(f *fixture) { f.odd(`update recording set video_samples = 1 << 40 where id = 2`) },
			thorough, []check.Kind{check.Damaged}, "video_samples",
		},
		"a negative id": {
			func(f *fixture) {
				f.odd(`delete from sample_file_sha256 where recording_id = 2; update recording set id = -7 where id = 2`)
			},
			thorough, []check.Kind{check.Damaged}, "its id",
		},
		"an index of megabytes": {
			func(f *fixture) { f.odd(`update recording set video_index = zeroblob(50000000) where id = 2`) },
			thorough, []check.Kind{check.Damaged}, "its video index has 50000000 bytes",
		},
		"a configuration of megabytes": {
			func(f *fixture) { f.odd(`update video_sample_entry set data = zeroblob(50000000)`) },
			thorough, []check.Kind{check.Integrity}, "row 1 of table video_sample_entry",
		},
		"a name that is a path": {
			func(f *fixture) { f.odd(`update camera set short_name = '../../etc'`) },
			thorough, []check.Kind{check.Integrity}, "row 1 of table camera: the name \"../../etc\"",
		},
		"a name of two lines": {
			func(f *fixture) { f.odd(`update camera set short_name = 'a' || char(10) || 'b'`) },
			thorough, []check.Kind{check.Integrity}, `the name "a\nb"`,
		},
		"a name that is not UTF-8": {
			func(f *fixture) { f.odd(`update camera set short_name = cast(x'61ff' as text)`) },
			thorough, []check.Kind{check.Integrity}, `the name "a\xff"`,
		},
		"a name of kilobytes": {
			func(f *fixture) { f.odd(`update camera set short_name = printf('%.300c', 'x')`) },
			thorough, []check.Kind{check.Integrity}, "longer than 200 bytes",
		},
		"a description of megabytes": {
			func(f *fixture) { f.odd(`update camera set description = printf('%.50000000c', 'x')`) },
			thorough, []check.Kind{check.Integrity}, "its description has 50000000 bytes",
		},
		"a kept name with a slash": {
			func(f *fixture) {
				f.odd(`insert into kept (stream_id, name, start_time_90k, end_time_90k, since_time_90k) values (1, 'a/b', 0, 9, 0)`)
			},
			thorough, []check.Kind{check.Integrity}, `row 1 of table kept: the name "a/b"`,
		},
		"kept for ever": {
			func(f *fixture) {
				f.odd(`insert into kept (stream_id, name, start_time_90k, end_time_90k, since_time_90k) values (1, 'a', -9223372036854775808, 9223372036854775807, 0)`)
			},
			thorough, []check.Kind{check.Integrity}, `row 1 of table kept: its interval`,
		},
		"a mark of never": {
			func(f *fixture) { f.odd(`insert into trimmed_quarter values (1, 9223372036854775807)`) },
			thorough, []check.Kind{check.Integrity}, "table trimmed_quarter",
		},
		"an older index": {
			func(f *fixture) {
				f.exec(`update open set uuid = randomblob(16)`)
			},
			check.Options{}, []check.Kind{check.Mismatch}, "the index is older",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 3)
			test.breakIt(f)
			report := f.check(test.options)
			if !slices.Equal(kinds(report.Findings), test.want) {
				t.Fatalf("got %v, want %v", report.Findings, test.want)
			}
			if len(test.want) > 0 && !strings.Contains(report.Findings[0].String(), test.text) {
				t.Errorf("got %q, want %q in it", &report.Findings[0], test.text)
			}
		})
	}
}

// TestDirectoryOlder ensures that an old copy of the sample directory is noticed.
func TestDirectoryOlder(t *testing.T) {
	f := newFixture(t, 1)
	meta := filepath.Join(f.path, "samples", "meta")
	old, err := os.ReadFile(meta)
	f.must(err)
	teststore.Append(t, f.path, 1)
	f.must(os.WriteFile(meta, old, 0o600))
	report := f.check(thorough)
	if !slices.Equal(kinds(report.Findings), []check.Kind{check.Mismatch}) || !strings.Contains(report.Findings[0].Text, "the directory is older") {
		t.Errorf("got %v", report.Findings)
	}
}

// TestBesideRecorder ensures that there is no false alarm while files and rows
// appear and disappear, and while the store is opened and closed.
func TestBesideRecorder(t *testing.T) {
	f := newFixture(t, 1)
	f.exec(`update stream set retain_bytes = 20 * 5000`)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				f.recordAndDelete()
			}
		}
	})
	for range 30 {
		if report := f.check(thorough); !report.Clean() {
			t.Errorf("a false alarm: %v", report.Findings)
		}
	}
	close(stop)
	wg.Wait()
	checktest.Require(t, f.path)
}

// recordAndDelete records as the recorder does, from opening to closing.
func (f *fixture) recordAndDelete() {
	s := teststore.MustOpen(f.T, f.path)
	for range 10 {
		for range 3 {
			s.Append(f.T, 1)
		}
		f.deleteOldest(s.Store)
	}
	f.must(s.Close())
}

// deleteOldest deletes what exceeds the quota.
func (f *fixture) deleteOldest(s *store.Store) {
	_, err := s.DB.Commit(f.Context(), &index.Change{Dir: 1, Retain: []moonfirefs.StreamID{1}})
	f.must(err)
	names, err := s.DB.Reserved(f.Context(), 1)
	f.must(err)
	var release []uuid.UUID
	for _, r := range names {
		f.must(s.Dirs[1].Unlink(r.UUID))
		release = append(release, r.UUID)
	}
	f.must(s.Dirs[1].Sync())
	_, err = s.DB.Commit(f.Context(), &index.Change{Dir: 1, Release: release})
	f.must(err)
}

// TestProgress ensures that progress reaches what was announced.
func TestProgress(t *testing.T) {
	f := newFixture(t, 5)
	var last check.Progress
	o := thorough
	o.Progress = func(p check.Progress) { last = p }
	f.check(o)
	if want := (check.Progress{Recordings: 5, TotalRecordings: 5, Bytes: 25000, TotalBytes: 25000}); last != want {
		t.Errorf("got %+v, want %+v", last, want)
	}
}

// TestFlippedBytes ensures that damage of the database is found wherever SQLite
// or our own redundancy can see it, and that what is not found has harmed no
// recording: what their rows say is still what it was.
func TestFlippedBytes(t *testing.T) {
	f := newFixture(t, 20)
	database := filepath.Join(f.path, "moonfire.db")
	whole, err := os.ReadFile(database)
	f.must(err)
	var found, harmless int
	for offset := 100; offset < len(whole); offset += 91 {
		if whole[offset] == 0 {
			continue // almost always room that is not used
		}
		damaged := bytes.Clone(whole)
		damaged[offset] ^= 0x40
		f.must(os.WriteFile(database, damaged, 0o600))
		switch problem := f.problem(); {
		case problem != "":
			found++
		case f.sameRows():
			harmless++
		default:
			t.Errorf("the byte at %d differs, which changes recordings, and nothing is found", offset)
		}
		f.must(os.WriteFile(database, whole, 0o600))
	}
	t.Logf("%d of %d flipped bytes found, %d harmless", found, found+harmless, harmless)
	if found < harmless {
		t.Errorf("only %d of %d flipped bytes were found", found, found+harmless)
	}
}

// problem opens and checks the store; it returns "" if it is clean.
func (f *fixture) problem() string {
	f.Helper()
	s, err := store.Open(f.Context(), f.path, store.Reading, nil)
	if err != nil {
		return err.Error()
	}
	defer s.Close()
	report, err := check.Check(f.Context(), s, thorough)
	if err != nil {
		return err.Error()
	}
	if report.Clean() {
		return ""
	}
	return report.Findings[0].String()
}

func (f *fixture) sameRows() bool {
	f.Helper()
	s := teststore.OpenAs(f.T, f.path, store.Reading)
	defer s.Close()
	rows, err := s.DB.Recordings(f.Context(), 1, 0, len(f.rows)+1, true)
	f.must(err)
	return fmt.Sprint(rows) == fmt.Sprint(f.rows)
}

// TestManyFindings ensures that there is a bound to what is reported of a kind, and that
// the rest is counted.
func TestManyFindings(t *testing.T) {
	f := newFixture(t, 1)
	const orphans = 10_050
	for range orphans {
		f.must(os.WriteFile(f.file(uuid.New()), nil, 0o600))
	}
	report := f.check(check.Options{})
	if n := int64(len(report.Findings)) + report.More[check.Orphan]; n != orphans || report.More[check.Orphan] != 50 {
		t.Errorf("there are %d findings, and %v more", len(report.Findings), report.More)
	}
}
