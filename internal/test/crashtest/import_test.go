// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/nvrstore"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/recorder"
)

// importSize is how many recordings a stream has: a full batch, and a part of one.
const importSize = 505

// importPoints are at the steps of an import (design/moonfire-nvr.md, § Import), in the first
// batch and in the second.
var importPoints = []string{
	"import.1.after=kill", "import.2.before=kill", "import.2.after=kill@499", "import.2.after=kill@503",
	"import.3.before=kill", "import.3.after=kill", "import.4.before=kill", "import.4.after=kill", "import.4.after=kill@2",
}

// copyPoints are those of copies alone: a copy that is whole and has no durable content yet, and
// copies that are committed and not sealed.
var copyPoints = []string{"copy.sync.before=kill@7", "copy.sync.after=kill@7", "import.5.before=kill@3", "import.5.after=kill@503"}

// killedImport is an import that tests repeat.
type killedImport struct {
	theirs *nvrstore.Store
	// samples is where the sample directory of the store is; empty for the default.
	samples string
	flags   []string
}

// run imports into a store, and tells whether the program was killed.
func (i *killedImport) run(t *testing.T, path, cache, faults string) (killed bool) {
	t.Helper()
	args := append([]string{"import", "moonfire-nvr", i.theirs.Path, "--store", path, "--moonfire-cache", cache}, i.flags...)
	p := startProgram(t, filepath.Join(t.TempDir(), "log"), faults, args...)
	<-p.exited
	if p.err != nil && p.cmd.ProcessState.ExitCode() >= 0 {
		t.Fatalf("%s: %v:\n%s", faults, p.err, p.log())
	}
	return p.err != nil
}

// importedInto is all that was imported into a store, in the order of retention.
func importedInto(t *testing.T, path string) string {
	t.Helper()
	const query = `select r.stream_id, r.start_time_90k, r.duration_90k, r.run_offset, hex(r.sample_file_uuid), r.sample_file_bytes, r.video_samples
		from recording r order by r.stream_id, r.id;
		select * from imported_stream; select count(*) from reserved_sample_files;
		select c.short_name, s.kind, s.retain_bytes from camera c join stream s on s.camera_id = c.id order by s.id;`
	output, err := exec.CommandContext(t.Context(), "sqlite3", filepath.Join(path, "moonfire.db"), query).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return string(output)
}

// newStore makes a store to import into.
func (i *killedImport) newStore(t *testing.T) string {
	t.Helper()
	path, samples := filepath.Join(t.TempDir(), "store"), ""
	if i.samples != "" {
		samples = filepath.Join(i.samples, uuid.NewString())
	}
	if err := store.Create(t.Context(), path, samples, "UTC"); err != nil {
		t.Fatal(err)
	}
	return path
}

// recordNothing does what a recorder without cameras does: it cleans up behind a crash.
func recordNothing(t *testing.T, path string) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), path, store.Recording, log)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := recorder.New(recorder.Options{DB: s.DB, Dirs: s.Dirs, Attach: s.Attach, Logger: log})
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestKilledImport ensures that an import that was killed at any of its steps, and is repeated,
// has the outcome of one that was not, also where a recorder has cleaned up in between, and
// whether files are linked or, on another file system, copied.
func TestKilledImport(t *testing.T) {
	t.Parallel()
	media, err := teststore.Encode(t.Context(), teststore.Params{Codec: teststore.H264, Width: 320, Height: 180, FPS: 10, Seconds: 2})
	if err != nil {
		t.Fatal(err)
	}
	theirs := nvrstore.New(t, 7, 1)
	for _, st := range theirs.AddCamera("driveway", 0, "main") {
		theirs.Fill(st, media, nvrstore.Fill{Start90k: teststore.At("2026-11-01T00:00:00Z"), Minutes: importSize, FileBytes: 6000})
	}
	t.Run("linked", func(t *testing.T) { (&killedImport{theirs: theirs}).requireRepeatable(t, importPoints) })
	t.Run("copied", func(t *testing.T) {
		points := copyPoints
		if isLong() {
			points = append(points, importPoints...)
		}
		(&killedImport{theirs, inMemory(t), []string{"--copy"}}).requireRepeatable(t, points)
	})
}

// requireRepeatable kills an import at each of some steps, and repeats it.
func (i *killedImport) requireRepeatable(t *testing.T, points []string) {
	whole := i.newStore(t)
	if i.run(t, whole, t.TempDir(), "") {
		t.Fatal("it was killed")
	}
	want := importedInto(t, whole)
	if n := strings.Count(want, "\n"); n < importSize {
		t.Fatalf("%d lines: %s", n, want)
	}
	for n, point := range points {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			path, cache := i.newStore(t), t.TempDir()
			if !i.run(t, path, cache, point) {
				t.Fatal("it was not killed")
			}
			if n%2 == 1 {
				recordNothing(t, path)
			}
			i.run(t, path, cache, "")
			if got := importedInto(t, path); got != want {
				t.Errorf("it is not what an import makes that was not killed: %d bytes, want %d", len(got), len(want))
			}
			checktest.Require(t, path)
		})
	}
}
