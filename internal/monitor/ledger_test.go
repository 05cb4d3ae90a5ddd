// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/status"
)

// Ensures that the gaps of a day are those between its recordings and no others,
// whether they are read at once or as they come, and from midnight by the clock of
// the store.
func TestGapsToday(t *testing.T) {
	f := newFixture(t, 1<<40)
	midnight := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC) // in New York
	following := newLedger(f.DB, f.Zone)
	for i, step := range []struct {
		from   time.Duration
		length time.Duration
		want   status.Gaps
	}{
		{-10 * time.Minute, time.Minute, status.Gaps{}},                                   // yesterday: the gap after it is yesterday's until midnight
		{5 * time.Minute, time.Minute, status.Gaps{Count: 1, Seconds: 300}},               // from midnight on
		{6 * time.Minute, time.Minute, status.Gaps{Count: 1, Seconds: 300}},               // touches
		{7*time.Minute + time.Second/2, time.Minute, status.Gaps{Count: 1, Seconds: 300}}, // half a second is none
		{9 * time.Minute, time.Minute, status.Gaps{Count: 2, Seconds: 359.5}},
		{9*time.Minute + 30*time.Second, 10 * time.Second, status.Gaps{Count: 2, Seconds: 359.5}}, // within another
		{10*time.Minute + time.Second, time.Minute, status.Gaps{Count: 3, Seconds: 360.5}},
	} {
		f.record(t, midnight.Add(step.from), step.length)
		now := midnight.Add(step.from + 2*time.Minute)
		for name, l := range map[string]*ledger{"following": following, "fresh": newLedger(f.DB, f.Zone)} {
			got, err := l.gapsToday(t.Context(), 1, now)
			if i == 0 {
				step.want = status.Gaps{} // it is yesterday still
			}
			if err != nil || got != step.want {
				t.Errorf("step %d, %s: gaps %+v (%v), want %+v", i, name, got, err, step.want)
			}
		}
	}
	if got, err := following.gapsToday(t.Context(), 1, midnight.AddDate(0, 0, 1).Add(time.Minute)); err != nil || got != (status.Gaps{}) {
		t.Errorf("a day later: gaps %+v (%v), want none", got, err)
	}
}

// Ensures that a camera that has just been added has no gap.
func TestNoGapBeforeFirst(t *testing.T) {
	f := newFixture(t, 1<<40)
	noon := time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)
	f.record(t, noon, time.Minute)
	got, err := newLedger(f.DB, f.Zone).gapsToday(t.Context(), 1, noon.Add(time.Hour))
	if err != nil || got != (status.Gaps{}) {
		t.Errorf("gaps %+v (%v), want none", got, err)
	}
}

// Ensures that what the index alone knows is told: span, bit rate, forecast.
func TestReportWithoutRecorder(t *testing.T) {
	f := newFixture(t, 1000*86_400*2) // two days
	start := time.Now().Add(-36 * time.Hour)
	for i := range 36 {
		f.record(t, start.Add(time.Duration(i)*time.Hour), 4*time.Minute)
	}
	r, err := NewCollector(f.Store).Report(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Streams) != 1 || len(r.Directories) != 1 || len(r.Problems) != 0 || !r.Since.IsZero() {
		t.Fatalf("report %+v", r)
	}
	s := &r.Streams[0]
	if s.Live != nil || s.BitRate != 8000 || s.SampleFileBytes != 36*240_000 || s.RecordedSeconds != 36*240 || s.RetentionReached {
		t.Errorf("stream %+v", s)
	}
	if want := (35*time.Hour + 4*time.Minute).Hours() / 24; s.DaysKept < want-0.001 || s.DaysKept > want+0.001 {
		t.Errorf("%v days are kept, want %v", s.DaysKept, want)
	}
	if want := 2 - 36*240/86_400.0; s.DaysUntilFull == nil || *s.DaysUntilFull < want-0.001 || *s.DaysUntilFull > want+0.001 {
		t.Errorf("full in %v days, want %v", s.DaysUntilFull, want)
	}
	if d := &r.Directories[0]; d.SizeBytes == 0 || d.UsedBytes != s.SampleFileBytes || d.QuotaBytes != s.RetainBytes || d.Missing {
		t.Errorf("directory %+v", d)
	}
}

// Ensures that a quota that is used up is told from one that is not, or not any more.
func TestRetentionReached(t *testing.T) {
	f := newFixture(t, 600_000)
	for i := range 12 {
		f.record(t, time.Now().Add(time.Duration(i-12)*time.Minute), time.Minute)
	}
	r, err := NewCollector(f.Store).Report(t.Context(), 0)
	if err != nil || !r.Streams[0].RetentionReached || r.Streams[0].DaysUntilFull != nil {
		t.Errorf("report %+v (%v)", r, err)
	}
	cameras, err := f.DB.Cameras(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	larger := cameras[0]
	larger.Streams = slices.Clone(larger.Streams)
	larger.Streams[0].RetainBytes = 1000 * 86_400 * 2
	if err := f.DB.UpdateCamera(t.Context(), &cameras[0], &larger); err != nil {
		t.Fatal(err)
	}
	r, err = NewCollector(f.Store).Report(t.Context(), 0)
	if err != nil || r.Streams[0].RetentionReached {
		t.Errorf("with a larger quota: %+v (%v)", r, err)
	}
}

// Ensures that a directory that was added since the store was opened, which nobody
// records to yet, is not told of as one whose disk is missing.
func TestDirectoryAddedSince(t *testing.T) {
	f := newFixture(t, 1<<40)
	added := &index.SampleDir{UUID: uuid.New(), Path: t.TempDir()}
	if err := f.DB.AddSampleDir(t.Context(), added); err != nil {
		t.Fatal(err)
	}
	r, err := NewCollector(f.Store).Report(t.Context(), 0)
	if err != nil || len(r.Problems) != 0 || len(r.Directories) != 1 {
		t.Errorf("report %+v (%v)", r, err)
	}
}

// Ensures that the disk counts where it is smaller than the quotas, and that
// streams whose quota is used up need no room.
func TestForecast(t *testing.T) {
	const perDay = 86_400_000
	stream := func(dir string, retain, used int64, reached bool) status.Stream {
		return status.Stream{Directory: dir, RetainBytes: retain, SampleFileBytes: used, RecordedSeconds: float64(used) / 1000, RetentionReached: reached}
	}
	r := &status.Report{
		Streams: []status.Stream{
			stream("/small", 10*perDay, perDay, false), stream("/small", 20*perDay, perDay, false), stream("/small", perDay, perDay, true),
			stream("/large", 10*perDay, perDay, false),
		},
		Directories: []status.Directory{
			{Path: "/small", SizeBytes: 1 << 40, AvailableBytes: 4*perDay + reserveBytes},
			{Path: "/large", SizeBytes: 1 << 40, AvailableBytes: 1 << 39},
		},
	}
	retired := stream("/large", 1<<50, perDay, false)
	retired.Retired = true
	r.Streams = append(r.Streams, retired)
	forecast(r)
	if d := r.Directories[0].DaysUntilFull; d == nil || *d != 2 {
		t.Errorf("the small disk will be full in %v days, want 2", d)
	}
	if d := r.Directories[1].DaysUntilFull; d != nil {
		t.Errorf("the large disk will be full in %v days", *d)
	}
	for i, want := range []float64{2, 2, -1, 9, -1} {
		got := r.Streams[i].DaysUntilFull
		if (got == nil) != (want < 0) || got != nil && *got != want {
			t.Errorf("stream %d: full in %v days, want %v", i, got, want)
		}
	}
}

// TestNoForecastTooSoon ensures that nothing is said of what an hour of footage must show
// first, of a stream or of the disk that it shares with others.
func TestNoForecastTooSoon(t *testing.T) {
	stream := func(seconds float64) status.Stream {
		return status.Stream{Directory: "/disk", RetainBytes: 1 << 40, SampleFileBytes: 1 << 30, RecordedSeconds: seconds}
	}
	for name, tt := range map[string]struct {
		seconds      []float64
		stream, disk bool // whether there is a forecast of the first stream, and of the disk
	}{
		"a minute":                 {[]float64{60}, false, false},
		"an hour":                  {[]float64{3600}, true, true},
		"an hour, beside a minute": {[]float64{3600, 60}, true, false},
		"an hour, beside nothing":  {[]float64{3600, 0}, true, true},
	} {
		r := &status.Report{Directories: []status.Directory{{Path: "/disk", SizeBytes: 1 << 40, AvailableBytes: 1 << 35}}}
		for _, seconds := range tt.seconds {
			r.Streams = append(r.Streams, stream(seconds))
		}
		forecast(r)
		if got := r.Streams[0].DaysUntilFull != nil; got != tt.stream {
			t.Errorf("%s: a forecast of the stream: %v", name, got)
		}
		if got := r.Directories[0].DaysUntilFull != nil; got != tt.disk {
			t.Errorf("%s: a forecast of the disk: %v", name, got)
		}
	}
}

// TestIndexMoved ensures that a report tells when the index is no longer at its path.
func TestIndexMoved(t *testing.T) {
	f := newFixture(t, 1<<40)
	c := NewCollector(f.Store)
	database := filepath.Join(f.path, "moonfire.db")
	for _, step := range []struct {
		from, to string
		moved    bool
	}{{database, database + ".away", true}, {database + ".away", database, false}} {
		if err := os.Rename(step.from, step.to); err != nil {
			t.Fatal(err)
		}
		r, err := c.Report(t.Context(), 0)
		if err != nil || (r.IndexError != "") != step.moved {
			t.Errorf("moved to %s: %+v, %v", step.to, r, err)
		}
		if told := slices.ContainsFunc(r.Problems, func(p status.Problem) bool { return p.Kind == status.IndexTrouble }); told != step.moved {
			t.Errorf("moved to %s: problems %+v", step.to, r.Problems)
		}
	}
}

// Ensures that a rate is that of the last minute.
func TestRate(t *testing.T) {
	var r rate
	begin := time.Now()
	for second := range 300 {
		bytes := int64(second) * 1000
		if second > 200 {
			bytes = 200 * 1000 // the camera is away
		}
		r.add(begin.Add(time.Duration(second)*time.Second), bytes)
		if want := int64(8000); second > 0 && second <= 200 && r.bitsPerSecond() != want {
			t.Fatalf("after %d s: %d bit/s, want %d", second, r.bitsPerSecond(), want)
		}
	}
	if got := r.bitsPerSecond(); got != 0 || len(r.marks) > 100 {
		t.Errorf("after a minute without frames: %d bit/s; %d marks", got, len(r.marks))
	}
}

// Ensures that the mount shows another report when there is something else to say,
// and once a minute, and not otherwise.
func TestBoard(t *testing.T) {
	var b board
	now := time.Now()
	at := func(after time.Duration, frames int64, problems ...status.Problem) *status.Report {
		return &status.Report{
			Time: now.Add(after), Since: now, TimeZoneName: "UTC", Problems: problems,
			Streams: []status.Stream{{Folder: "driveway", Live: &status.Live{ConnectedSince: now, LastFrame: now.Add(after), Frames: frames}}},
		}
	}
	wrong := status.Problem{Kind: status.DiskFull, Text: "full"}
	for i, step := range []struct {
		report *status.Report
		shown  bool
	}{
		{at(0, 0), true}, {at(2*time.Second, 50), false}, {at(4*time.Second, 100, wrong), true},
		{at(6*time.Second, 150, wrong), false}, {at(8*time.Second, 200), true}, {at(50*time.Second, 1000), false},
		{at(68*time.Second, 1500), true}, {at(-time.Hour, 1600), true}, // the clock was set
	} {
		b.show(step.report)
		if shown := b.shown.Load() == step.report; shown != step.shown {
			t.Errorf("step %d: shown %v, want %v", i, shown, step.shown)
		}
	}
}
