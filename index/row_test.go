// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// TestBadRows ensures that a row which cannot be used is left out, with a line in the log,
// and costs no other row of its table.
func TestBadRows(t *testing.T) {
	tests := map[string]struct {
		change                          string
		cameras, kept, deletions, marks int
		want                            string
	}{
		"nothing":                    {"select 1", 3, 2, 2, 2, ""},
		"a UUID too short":           {"update camera set uuid = x'01' where id = 2", 2, 2, 2, 2, "row 3 of table stream: stream of camera 2"},
		"no such kind":               {"update stream set kind = 'side' where id = 3", 2, 2, 2, 2, "kind"},
		"no such transport":          {"update stream set transport = char(0) where id = 3", 2, 2, 2, 2, "transport"},
		"a negative quota":           {"update stream set retain_bytes = -1 where id = 3", 2, 2, 2, 2, "quota"},
		"a negative total":           {"update stream set sample_file_bytes = -1 where id = 3", 2, 2, 2, 2, "totals"},
		"an id without hours":        {"update stream set id = 1 << 40 where id = 3", 2, 2, 2, 2, "its id"},
		"a URL of megabytes":         {"update stream set url = printf('%.5000000c', 'x') where id = 3", 2, 2, 2, 2, "too long"},
		"a name of megabytes":        {"update camera set short_name = printf('%.5000000c', 'x') where id = 2", 2, 2, 2, 2, "too long"},
		"a description of megabytes": {"update camera set description = printf('%.60000000c', 'x') where id = 2", 3, 2, 2, 2, ""},
		"retired, somehow":           {"update camera set retired = 7 where id = 2", 2, 2, 2, 2, "row 3 of table stream"},
		"kept before all time":       {"update kept set start_time_90k = -9223372036854775808 where id = 1", 3, 1, 2, 2, "row 1 of table kept: its interval"},
		"kept for ever":              {"update kept set end_time_90k = 9223372036854775807 where id = 1", 3, 1, 2, 2, "its interval"},
		"kept backwards":             {"update kept set end_time_90k = -1 where id = 1", 3, 1, 2, 2, "its interval"},
		"kept as megabytes":          {"update kept set name = printf('%.5000000c', 'x') where id = 1", 3, 1, 2, 2, "too long"},
		"deleted backwards":          {"update deletion set end_time_90k = -1 where id = 1", 3, 2, 1, 2, "row 1 of table deletion: its interval"},
		"deleted for ever":           {"update deletion set end_time_90k = 9223372036854775807 where id = 1", 3, 2, 1, 2, "its interval"},
		"deleted by megabytes":       {"update deletion set requested_by = printf('%.5000000c', 'x') where id = 1", 3, 2, 1, 2, "too long"},
		"a quarter of never":         {"update trimmed_quarter set quarter_hour = 9223372036854775807 where quarter_hour = 1", 3, 2, 2, 1, "row 1 of table trimmed_quarter"},
		"a quarter before":           {"update trimmed_quarter set quarter_hour = -9223372036854775808 where quarter_hour = 1", 3, 2, 2, 1, "quarter"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 1<<30)
			for _, name := range []string{"garden", "yard"} {
				c := moonfirefs.Camera{UUID: uuid.New(), ShortName: name, Streams: []moonfirefs.Stream{f.camera.Streams[0]}}
				if err := f.db.AddCamera(t.Context(), &c); err != nil {
					t.Fatal(err)
				}
			}
			f.exec(`insert into trimmed_quarter values (1, 1), (1, 2)`)
			f.exec(`insert into kept (stream_id, name, start_time_90k, end_time_90k, since_time_90k) values (1, 'a', 0, 9, 0), (1, 'b', 0, 9, 0)`)
			f.exec(`insert into deletion (stream_id, folder, start_time_90k, end_time_90k, last_recording_id, requested_time_90k, requested_by)
				values (1, 'driveway', 0, 9, 1, 1, 'me'), (1, 'driveway', 0, 9, 1, 1, 'me')`)
			var log bytes.Buffer
			f.db.log = slog.New(slog.NewTextHandler(&log, nil))
			f.exec(test.change)
			cameras, err := f.db.Cameras(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			kept, err := f.db.Kept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			deletions, err := f.db.Deletions(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			marks := 0
			for _, c := range cameras {
				for _, s := range c.Streams {
					marks += len(s.Trimmed90k)
				}
			}
			if len(cameras) != test.cameras || len(kept) != test.kept || len(deletions) != test.deletions || marks != test.marks {
				t.Errorf("there are %d cameras, %d kept intervals, %d deletions, %d marks", len(cameras), len(kept), len(deletions), marks)
			}
			if (log.Len() > 0) != (test.want != "") || !strings.Contains(log.String(), test.want) || strings.Count(log.String(), "\n") > 1 {
				t.Errorf("the log says %s, want %s in it", &log, test.want)
			}
		})
	}
}

// TestBadRowsAreToldOnce ensures that a log is not filled with them.
func TestBadRowsAreToldOnce(t *testing.T) {
	f := newFixture(t, 1<<30)
	f.exec(`
		with recursive n(value) as (values(1) union all select value + 1 from n where value < 5000)
		insert into trimmed_quarter select 1, 1 << 60 | value from n`)
	var log bytes.Buffer
	f.db.log = slog.New(slog.NewTextHandler(&log, nil))
	for range 3 {
		if _, err := f.db.Cameras(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != maxToldRows+1 {
		t.Errorf("the log has %d lines:\n%s", lines, &log)
	}
}

// TestLongValues ensures that what is longer than any recorder makes it is not loaded,
// whatever asks for it, and is an error of what it belongs to.
func TestLongValues(t *testing.T) {
	f := newFixture(t, 1<<30)
	f.add(0, 2)
	f.add(hour90k, 2)
	const longBytes = 60 << 20
	f.exec(fmt.Sprintf(`update recording set video_index = zeroblob(%d) where id = 1`, longBytes))
	f.exec(fmt.Sprintf(`update recording set audio_index = zeroblob(%d) where id = 2`, longBytes))
	f.exec(fmt.Sprintf(`update video_sample_entry set data = zeroblob(%d) where id = 1`, longBytes))
	f.exec(fmt.Sprintf(`insert into audio_sample_entry values (1, x'', 8000, 1, 0, 'alaw', zeroblob(%d))`, longBytes))
	before := allocated()
	reader := f.openDB(OpenReadOnly)
	for what, load := range map[string]func() error{
		"video index": func() error { _, err := reader.VideoIndex(t.Context(), 1); return err },
		"audio index": func() error { _, err := reader.AudioIndex(t.Context(), 2); return err },
		"video entry": func() error { _, err := reader.VideoSampleEntry(t.Context(), 1); return err },
		"audio entry": func() error { _, err := reader.AudioSampleEntry(t.Context(), 1); return err },
	} {
		if err := load(); !errors.Is(err, moonfirefs.ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", what, err)
		}
	}
	release, err := reader.Hold(t.Context(), []moonfirefs.RecordingID{1, 2})
	if err != nil {
		t.Error(err)
	} else {
		release()
	}
	f.exec(`update stream set retain_bytes = 0`)
	f.commit(&Change{Dir: 1, Retain: []moonfirefs.StreamID{f.stream()}}) // retention can still delete them
	if loaded := allocated() - before; loaded > longBytes/2 {
		t.Errorf("%d bytes were allocated", loaded)
	}
	if ids, _ := f.list(); len(ids) != 0 {
		t.Errorf("recordings %v were not deleted", ids)
	}
}

// allocated is how much memory Go has ever handed out.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
