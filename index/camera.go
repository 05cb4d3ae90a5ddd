// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"
	sqlite3 "github.com/mattn/go-sqlite3"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/moonfirefs/moonfirefs"
)

// SampleDir is a directory of sample files.
type SampleDir struct {
	ID   moonfirefs.SampleDirID
	UUID uuid.UUID
	// Path is absolute, or relative to the directory of the database.
	Path string
}

var sampleDirsSQL = `select id, uuid, ` + bounded("path", maxTextBytes) + ` from sample_dir order by id`

// SampleDirs lists the directories, by id.
func (db *DB) SampleDirs(ctx context.Context) (dirs []SampleDir, err error) {
	if dirs, err = sampleDirs(ctx, db.readers, db.leaveOut); err != nil {
		return nil, fmt.Errorf("list sample directories: %w", err)
	}
	return dirs, nil
}

func sampleDirs(ctx context.Context, db querier, leaveOut func(BadRow)) (dirs []SampleDir, err error) {
	err = listRows(ctx, db, sampleDirsSQL, func(row scanner) (id int64, problem string) {
		var d SampleDir
		if problem = rowProblem(row.Scan(&d.ID, (*uuidBlob)(&d.UUID), &d.Path), d.problem); problem == "" {
			dirs = append(dirs, d)
		}
		return int64(d.ID), problem
	}, leaveOut, "sample_dir")
	return dirs, err
}

// problem says what no directory can be called, or "".
func (d *SampleDir) problem() string {
	if d.Path == "" || strings.ContainsRune(d.Path, 0) {
		return fmt.Sprintf("the path %q is not one of a directory", d.Path)
	}
	return ""
}

// AddSampleDir stores a directory and fills in its id. It returns an error that
// wraps moonfirefs.ErrExists if there is one of its path or UUID.
func (db *DB) AddSampleDir(ctx context.Context, d *SampleDir) error {
	err := db.writer.QueryRowContext(ctx, `insert into sample_dir (uuid, path) values (?, ?) returning id`, d.UUID[:], d.Path).Scan(&d.ID)
	if err != nil {
		return fmt.Errorf("add sample directory %s: %w", d.Path, asOurs(err))
	}
	return nil
}

// RemoveSampleDir forgets a directory. It returns an error that wraps moonfirefs.ErrInvalid if
// there is footage in it, or something records to it.
func (db *DB) RemoveSampleDir(ctx context.Context, id moonfirefs.SampleDirID) error {
	result, err := db.writer.ExecContext(ctx, `delete from sample_dir where id = ?`, id)
	if e := new(sqlite3.Error); errors.As(err, e) && e.ExtendedCode == sqlite3.ErrConstraintForeignKey {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "remove sample directory: it has footage, or a camera records to it, or footage moves to it (see: moonfirefs dir list, moonfirefs tier list)")
	}
	if err := requireOne(result, err); err != nil {
		return fmt.Errorf("remove sample directory: %w", asOurs(err))
	}
	return nil
}

// camerasSQL sorts by what is bounded, without regard to case as the names are unique.
var camerasSQL = `
select c.id, s.id, c.uuid, ` + bounded("c.short_name", maxNameBytes) + `,
       iif(octet_length(c.description) <= ` + strconv.Itoa(maxTextBytes) + `, c.description, printf('(%d bytes)', octet_length(c.description))),
       c.retired, not c.record_audio, ` + bounded("c.username", maxTextBytes) + `, ` + bounded("c.password", maxTextBytes) + `,
       ` + bounded("s.kind", maxNameBytes) + `, s.sample_dir_id, ` + bounded("s.url", maxTextBytes) + `,
       ` + bounded("s.transport", maxNameBytes) + `, s.retain_bytes, s.retain_for_90k, s.retain_marked_bytes, s.sample_file_bytes, s.duration_90k,
       coalesce((select t.retain_bytes from tier t where t.stream_id = s.id), 0)
  from camera c join stream s on s.camera_id = c.id
 order by 4 collate nocase, c.id, 10`

// Cameras lists the cameras with their streams, by short name.
func (db *DB) Cameras(ctx context.Context) ([]moonfirefs.Camera, error) {
	trimmed, err := trimmed(ctx, db.readers, db.leaveOut)
	if err != nil {
		return nil, fmt.Errorf("list cameras: %w", err)
	}
	cameras, err := listCameras(ctx, db.readers, db.leaveOut)
	if err != nil {
		return nil, fmt.Errorf("list cameras: %w", err)
	}
	for i := range cameras {
		for j := range cameras[i].Streams {
			s := &cameras[i].Streams[j]
			s.Trimmed90k = trimmed[s.ID]
		}
	}
	return cameras, nil
}

// listCameras is Cameras without what retention has taken.
func listCameras(ctx context.Context, db querier, leaveOut func(BadRow)) (cameras []moonfirefs.Camera, err error) {
	err = listRows(ctx, db, camerasSQL, func(row scanner) (id int64, problem string) {
		var c moonfirefs.Camera
		var s moonfirefs.Stream
		err := row.Scan(&c.ID, &s.ID, (*uuidBlob)(&c.UUID), &c.ShortName, &c.Description, &c.Retired, &c.NoAudio, &c.Username, &c.Password,
			&s.Kind, &s.SampleDir, &s.URL, &s.Transport, &s.RetainBytes, &s.RetainFor90k, &s.RetainMarkedBytes,
			&s.SampleFileBytes, &s.Duration90k, &s.TierRetainBytes)
		if problem := rowProblem(err, s.Problem); problem != "" {
			return int64(s.ID), fmt.Sprintf("stream of camera %d: %s", c.ID, problem)
		}
		if n := len(cameras); n == 0 || cameras[n-1].ID != c.ID {
			cameras = append(cameras, c)
		}
		last := &cameras[len(cameras)-1]
		last.Streams = append(last.Streams, s)
		return int64(s.ID), ""
	}, leaveOut, "stream")
	return cameras, err
}

var (
	firstQuarter = moonfirefs.EarliestStart90k.Count(moonfirefs.QuarterHour90k)
	lastQuarter  = moonfirefs.LatestStart90k.Count(moonfirefs.QuarterHour90k)
)

// trimmed lists the quarters that have lost something, by stream.
func trimmed(ctx context.Context, db querier, leaveOut func(BadRow)) (map[moonfirefs.StreamID][]moonfirefs.Time90k, error) {
	all := make(map[moonfirefs.StreamID][]moonfirefs.Time90k)
	err := listRows(ctx, db, `select stream_id, quarter_hour from trimmed_quarter order by stream_id, quarter_hour`, func(row scanner) (id int64, problem string) {
		var stream moonfirefs.StreamID
		var quarter int64
		problem = rowProblem(row.Scan(&stream, &quarter), func() string {
			if quarter < firstQuarter || quarter > lastQuarter {
				return fmt.Sprintf("there is no quarter %d of an hour", quarter)
			}
			return ""
		})
		if problem == "" {
			all[stream] = append(all[stream], moonfirefs.Time90k(quarter*int64(moonfirefs.QuarterHour90k)))
		}
		return int64(stream), problem
	}, leaveOut, "trimmed_quarter")
	return all, err
}

// each calls fn for each row, and closes the rows.
func each(rows *sql.Rows, fn func() error) error {
	for rows.Next() {
		if err := fn(); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(asOurs(rows.Err()), rows.Close())
}

// CheckNewCamera returns the error that AddCamera would, unless it concerns the
// database, and changes nothing.
func (db *DB) CheckNewCamera(ctx context.Context, c *moonfirefs.Camera) error {
	if err := checkCamera(c, true); err != nil {
		return err
	}
	if err := requireNewName(ctx, db.readers, c.ShortName); err != nil {
		return fmt.Errorf("add camera %s: %w", c.ShortName, asOurs(err))
	}
	return nil
}

// AddCamera stores a camera and its streams and fills in their ids. It returns
// an error that wraps moonfirefs.ErrInvalid or moonfirefs.ErrExists.
func (db *DB) AddCamera(ctx context.Context, c *moonfirefs.Camera) error {
	return db.SetUpCamera(ctx, nil, c, nil)
}

func addCamera(ctx context.Context, tx *sql.Tx, c *moonfirefs.Camera) error {
	if err := requireNewName(ctx, tx, c.ShortName); err != nil {
		return err
	}
	err := tx.QueryRowContext(ctx, `
		insert into camera (uuid, short_name, description, retired, record_audio, username, password) values (?, ?, ?, ?, ?, ?, ?) returning id`,
		c.UUID[:], c.ShortName, c.Description, c.Retired, !c.NoAudio, c.Username, c.Password).Scan(&c.ID)
	if err != nil {
		return err
	}
	for i := range c.Streams {
		if err := addStream(ctx, tx, c.ID, &c.Streams[i]); err != nil {
			return err
		}
	}
	return nil
}

// addStream stores a stream of a camera and fills in its id.
func addStream(ctx context.Context, tx *sql.Tx, camera moonfirefs.CameraID, s *moonfirefs.Stream) error {
	return tx.QueryRowContext(ctx, `
		insert into stream (camera_id, kind, sample_dir_id, url, transport, retain_bytes, retain_for_90k, retain_marked_bytes)
		values (?, ?, ?, ?, ?, ?, ?, ?) returning id`,
		camera, s.Kind, s.SampleDir, s.URL, s.Transport, s.RetainBytes, s.RetainFor90k, s.RetainMarkedBytes).Scan(&s.ID)
}

// requireNewName refuses a name that Windows or macOS would take for one that is
// there: these compare without regard to case, and macOS to the composition of
// characters. SQLite's own comparison knows the letters of ASCII only.
func requireNewName(ctx context.Context, db querier, name string) error {
	rows, err := db.QueryContext(ctx, `select short_name from camera`)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var other string
		if err := rows.Scan(&other); err != nil {
			return err
		}
		if foldName(other) == foldName(name) {
			return moonfirefs.Errorf(moonfirefs.ErrExists, "there is already a camera %s", other)
		}
		return nil
	})
}

func foldName(name string) string { return cases.Fold().String(norm.NFC.String(name)) }

// checkCamera takes a name as it is that is not new: it was accepted once.
func checkCamera(c *moonfirefs.Camera, newName bool) error {
	if newName {
		if err := moonfirefs.CheckShortName(c.ShortName); err != nil {
			return err
		}
	}
	if len(c.Streams) == 0 {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "camera %s: it has no stream", c.ShortName)
	}
	for i := range c.Streams {
		if problem := streamProblem(&c.Streams[i]); problem != "" {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "camera %s: %s stream: %s", c.ShortName, c.Streams[i].Kind, problem)
		}
	}
	return nil
}

func streamProblem(s *moonfirefs.Stream) string {
	u, err := url.Parse(s.URL)
	switch {
	case err != nil: // not shown: its text holds the URL, and that may hold a password
		return "its URL cannot be parsed"
	case moonfirefs.URLProblem(u) != "":
		return "its URL " + moonfirefs.URLProblem(u)
	case u.User != nil:
		return "its URL must not hold a user name or password"
	case strings.ContainsFunc(s.URL, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "its URL contains control characters"
	case s.Kind != moonfirefs.MainStream && s.Kind != moonfirefs.SubStream:
		return "a stream is either main or sub"
	case s.Transport != moonfirefs.TCP && s.Transport != moonfirefs.UDP:
		return "its transport must be tcp or udp"
	case s.RetainBytes < 0:
		return "its quota must not be negative"
	case s.RetainMarkedBytes < 0:
		return "its quota for events must not be negative"
	case s.RetainFor90k < 0 || s.RetainFor90k > moonfirefs.MaxRetainFor90k:
		return "its footage can be limited to a hundred years at most"
	}
	return ""
}
