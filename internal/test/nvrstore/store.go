// SPDX-License-Identifier: GPL-3.0-or-later

package nvrstore

import (
	"context"
	"crypto/sha1"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	_ "github.com/mattn/go-sqlite3" // the driver
	"lukechampine.com/blake3"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// Store is a store of a Moonfire NVR that runs.
type Store struct {
	tb testing.TB
	// Path is the directory with the file db, Dirs are the sample directories.
	Path string
	Dirs []string
	db   *sql.DB

	version  int
	uuid     uuid.UUID
	dirUUIDs []uuid.UUID
	streams  []*Stream
	entries  map[[sha1.Size]byte]int64
	cameras  int
}

// Stream is one of its streams.
type Stream struct {
	ID  moonfirefs.StreamID
	dir int
	// next is the number of the next recording, End90k when the last one ended.
	next   int64
	oldest int64
	End90k moonfirefs.Time90k
	run    int
}

// New makes a store of a schema version with a number of sample directories, and opens it.
func New(tb testing.TB, version, dirs int) *Store {
	tb.Helper()
	root := tb.TempDir()
	s := &Store{tb: tb, Path: filepath.Join(root, "db"), version: version, uuid: uuid.New(), entries: make(map[[sha1.Size]byte]int64)}
	s.must(os.Mkdir(s.Path, 0o700))
	s.open()
	s.Exec(schema(version))
	s.Exec(`insert into meta (uuid) values (?)`, s.uuid[:])
	s.Exec(`insert into open (id, uuid, start_time_90k) values (1, ?, ?)`, randomUUID(), teststore.At("2026-11-01T00:00:00Z"))
	for i := range dirs {
		path := filepath.Join(root, fmt.Sprintf("sample-%d", i+1))
		id := uuid.New()
		s.must(os.Mkdir(path, 0o700))
		s.must(os.WriteFile(filepath.Join(path, "meta"), Meta(s.uuid, id), 0o600))
		if version >= 7 {
			s.Exec(`insert into sample_file_dir (id, uuid, config, last_complete_open_id) values (?, ?, ?, 1)`, i+1, id[:], object{"path": path}.text())
		} else {
			s.Exec(`insert into sample_file_dir (id, uuid, path, last_complete_open_id) values (?, ?, ?, 1)`, i+1, id[:], path)
		}
		s.Dirs, s.dirUUIDs = append(s.Dirs, path), append(s.dirUUIDs, id)
	}
	tb.Cleanup(s.Stop)
	return s
}

// open opens the database as Moonfire NVR does.
func (s *Store) open() {
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.Join(s.Path, "db"), RawQuery: "vfs=unix-excl&_journal_mode=WAL&_foreign_keys=1&_synchronous=FULL"}
	db, err := sql.Open("sqlite3", dsn.String())
	s.must(err)
	db.SetMaxOpenConns(1)
	s.db = db
}

// Stop ends it in order: there is no WAL then. It is idempotent.
func (s *Store) Stop() {
	if s.db != nil {
		s.must(s.db.Close())
		s.db = nil
	}
}

// Exec changes the database as no step of a recorder does.
func (s *Store) Exec(query string, args ...any) {
	s.tb.Helper()
	_, err := s.db.Exec(query, args...)
	s.must(err)
}

func (s *Store) must(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatal(err)
	}
}

func randomUUID() []byte {
	id := uuid.New()
	return id[:]
}

// object is a value of a column config.
type object map[string]any

func (o object) text() string {
	data, _ := json.Marshal(o) // maps of strings and numbers
	return string(data)
}

// Meta is the file meta of a sample directory (DirMeta in schema.proto).
func Meta(database, dir uuid.UUID) []byte {
	message := append([]byte{1<<3 | 2, 16}, database[:]...)
	message = append(append(message, 2<<3|2, 16), dir[:]...)
	opening := append([]byte{1 << 3, 1, 2<<3 | 2, 16}, randomUUID()...)
	message = append(append(message, 3<<3|2, byte(len(opening))), opening...)
	file := make([]byte, 512)
	n := binary.PutUvarint(file, uint64(len(message)))
	copy(file[n:], message)
	return file
}

// AddCamera adds a camera with streams of kinds main, sub and ext, in a sample directory that
// is counted from 0.
func (s *Store) AddCamera(name string, dir int, kinds ...string) (streams []*Stream) {
	s.tb.Helper()
	s.cameras++
	if s.version >= 7 {
		s.Exec(`insert into camera (id, uuid, short_name, config) values (?, ?, ?, ?)`, s.cameras, randomUUID(), name,
			object{"description": "seen from " + name, "username": "viewer", "password": "secret"}.text())
	} else {
		s.Exec(`insert into camera (id, uuid, short_name, description, username, password) values (?, ?, ?, ?, 'viewer', 'secret')`,
			s.cameras, randomUUID(), name, "seen from "+name)
	}
	for _, kind := range kinds {
		st := &Stream{ID: moonfirefs.StreamID(len(s.streams) + 1), dir: dir, next: 1, oldest: 1}
		address := fmt.Sprintf("rtsp://192.0.2.%d/%s", s.cameras, kind)
		switch s.version {
		case 5:
			s.Exec(`insert into stream values (?, ?, ?, ?, 1, ?, 1000000000, 0, 1)`, st.ID, s.cameras, dir+1, kind, address)
		case 6:
			s.Exec(`insert into stream values (?, ?, ?, ?, 1, ?, 1000000000, 0, 1, 0, 0)`, st.ID, s.cameras, dir+1, kind, address)
		default:
			s.Exec(`insert into stream values (?, ?, ?, ?, ?, 1, 0, 0)`, st.ID, s.cameras, dir+1, kind,
				object{"mode": "record", "url": address, "retainBytes": 1_000_000_000, "rtspTransport": "tcp"}.text())
		}
		s.streams, streams = append(s.streams, st), append(streams, st)
	}
	return streams
}

// Run tells how a recording begins and ends.
type Run struct {
	// Start90k begins a new run at a time; 0 goes on where the last recording ended.
	Start90k moonfirefs.Time90k
	// TrailingZero says that the duration of the last sample is not known.
	TrailingZero bool
	// Delta90k is how much longer its samples last than the recording by the clock of the
	// machine, since version 6.
	Delta90k moonfirefs.Duration90k
}

// Record adds a recording of samples, by the steps of design/schema.md, Create a recording.
func (s *Store) Record(st *Stream, m *teststore.Media, samples []teststore.Sample, run Run) {
	s.tb.Helper()
	var content []byte
	var index moonfirefs.VideoIndexEncoder
	for i, sample := range samples {
		duration := int32(m.SampleDuration90k())
		if run.TrailingZero && i == len(samples)-1 {
			duration = 0
		}
		content = append(content, sample.Data...)
		index.Add(moonfirefs.Sample{Duration90k: duration, Bytes: int32(len(sample.Data)), Sync: sample.Sync})
	}
	s.must(writeSynced(s.file(st, st.next), content))
	s.must(syncDir(s.Dirs[st.dir]))
	s.insert(st, m.Entry, &index, content, run)
}

// row is the composite id of a recording.
func (st *Stream) row(n int64) int64 { return int64(st.ID)<<32 | n }

// File is where the sample file of a recording lies, counted from 1.
func (s *Store) File(st *Stream, n int64) string { return s.file(st, n) }

func (s *Store) file(st *Stream, n int64) string {
	return filepath.Join(s.Dirs[st.dir], fmt.Sprintf("%016x", st.row(n)))
}

// insert adds the row.
func (s *Store) insert(st *Stream, entry *moonfirefs.VideoSampleEntry, index *moonfirefs.VideoIndexEncoder, content []byte, run Run) {
	s.tb.Helper()
	start90k := st.End90k
	if st.run++; run.Start90k != 0 {
		start90k, st.run = run.Start90k, 0
	}
	flags := 0
	if run.TrailingZero {
		flags = 1
	}
	tx, err := s.db.BeginTx(context.Background(), nil)
	s.must(err)
	exec := func(query string, args ...any) {
		_, err := tx.Exec(query, args...)
		s.must(err)
	}
	id := st.row(st.next)
	entryID := s.entry(exec, entry)
	media90k := index.Duration90k()
	wall90k := media90k - run.Delta90k
	digest := sha1.Sum(content)
	if s.version == 5 {
		wall90k = media90k
		exec(`insert into recording values (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, st.ID, st.run, flags, len(content), start90k, media90k,
			index.Samples(), index.SyncSamples(), entryID)
		exec(`insert into recording_integrity values (?, null, null, null, ?)`, id, digest[:])
		exec(`update stream set next_recording_id = ? where id = ?`, st.next+1, st.ID)
	} else {
		exec(`insert into recording (composite_id, open_id, stream_id, run_offset, flags, sample_file_bytes, start_time_90k,
			prev_media_duration_90k, prev_runs, wall_duration_90k, media_duration_delta_90k, video_samples, video_sync_samples, video_sample_entry_id)
			values (?, 1, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?)`, id, st.ID, st.run, flags, len(content), start90k, wall90k, run.Delta90k,
			index.Samples(), index.SyncSamples(), entryID)
		exec(`insert into recording_integrity values (?, null, null, null, ?)`, id, st.digest(content))
		exec(`update stream set cum_recordings = ?, cum_media_duration_90k = cum_media_duration_90k + ? where id = ?`, st.next+1, media90k, st.ID)
	}
	exec(`insert into recording_playback values (?, ?)`, id, index.Blob())
	s.must(tx.Commit())
	st.next++
	st.End90k = start90k.Add(wall90k)
}

// digest is what is known of the content of the next recording since version 6: its BLAKE3,
// the beginning of that, or nothing, in turn.
func (st *Stream) digest(content []byte) []byte {
	digest := blake3.Sum256(content)
	const beginning = 20
	switch st.next % 3 {
	case 0:
		return nil
	case 1:
		return digest[:beginning]
	}
	return digest[:]
}

// entry stores a sample entry once.
func (s *Store) entry(exec func(string, ...any), e *moonfirefs.VideoSampleEntry) int64 {
	if id, ok := s.entries[e.SHA1]; ok {
		return id
	}
	id := int64(len(s.entries) + 1)
	s.entries[e.SHA1] = id
	if s.version == 5 {
		exec(`insert into video_sample_entry values (?, ?, ?, ?, ?, ?)`, id, e.SHA1[:], e.Width, e.Height, e.RFC6381Codec, e.Data)
	} else {
		exec(`insert into video_sample_entry values (?, ?, ?, ?, ?, 1, 1)`, id, e.Width, e.Height, e.RFC6381Codec, e.Data)
	}
	return id
}

// Rotate deletes the oldest recordings of a stream, by the steps of design/schema.md, Delete a
// recording.
func (s *Store) Rotate(st *Stream, n int) {
	s.tb.Helper()
	for range n {
		s.Discard(st)
		s.must(os.Remove(s.file(st, st.oldest-1)))
		s.must(syncDir(s.Dirs[st.dir]))
		s.Exec(`delete from garbage where composite_id = ?`, st.row(st.oldest-1))
	}
}

// Discard is the first step of Rotate for one recording: a crash after it leaves a row of
// table garbage, and the file.
func (s *Store) Discard(st *Stream) {
	s.tb.Helper()
	id := st.row(st.oldest)
	tx, err := s.db.BeginTx(context.Background(), nil)
	s.must(err)
	for _, query := range []string{
		`insert into garbage select ` + fmt.Sprint(st.dir+1) + `, ?`,
		`delete from recording_playback where composite_id = ?`,
		`delete from recording_integrity where composite_id = ?`,
		`delete from recording where composite_id = ?`,
	} {
		_, err := tx.Exec(query, id)
		s.must(err)
	}
	s.must(tx.Commit())
	st.oldest++
}
