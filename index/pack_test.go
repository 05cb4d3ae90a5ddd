// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// The worked example of design/summaries.md.
func TestPackWorkedExample(t *testing.T) {
	hour := utcHour(10)
	recordings := []moonfirefs.Summary{
		{ID: 70, Start90k: hour.start() + 90, Duration90k: 5_400_000, SampleFileBytes: 1000, VideoSamples: 300, VideoSyncSamples: 30, VideoSampleEntry: 1, RunOffset: 7},
		{ID: 72, Start90k: hour.start() + 5_400_090, Duration90k: 5_400_001, SampleFileBytes: 990, VideoSamples: 300, VideoSyncSamples: 30, VideoSampleEntry: 1, RunOffset: 8, Flags: 1},
	}
	want := []byte{
		0x8c, 0x01, 0xb4, 0x01, 0x80, 0x97, 0x93, 0x05, 0xd0, 0x0f, 0xd8, 0x04, 0x3c, 0x02, 0x0e, 0x00,
		0x02, 0x00, 0x02, 0x13, 0x00, 0x00, 0x00, 0x00, 0x02,
	}
	packed := pack(hour, recordings)
	if !bytes.Equal(packed, want) {
		t.Errorf("packed as % x, want % x", packed, want)
	}
	if got := unpacked(t, hour, packed); !slices.Equal(got, recordings) {
		t.Errorf("unpacked as %+v", got)
	}
}

func unpacked(t *testing.T, hour utcHour, packed []byte) (recordings []moonfirefs.Summary) {
	t.Helper()
	err := unpack(hour, packed, func(s *moonfirefs.Summary) error {
		recordings = append(recordings, *s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return recordings
}

func TestUnpackRejectsDamage(t *testing.T) {
	sound := pack(10, []moonfirefs.Summary{{ID: 1, Start90k: utcHour(10).start(), Duration90k: 1, SampleFileBytes: 1, VideoSamples: 1, VideoSampleEntry: 1}})
	tests := map[string][]byte{
		"truncated":        sound[:len(sound)-1],
		"truncated varint": append(sound[:len(sound)-1:len(sound)-1], 0x80),
		"of another hour":  pack(11, []moonfirefs.Summary{{ID: 1, Start90k: utcHour(10).start()}}),
	}
	for name, packed := range tests {
		if err := unpack(10, packed, func(*moonfirefs.Summary) error { return nil }); !errors.Is(err, moonfirefs.ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
}

// FuzzUnpack: what can be unpacked at all has the values that are packed again.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte{0x02, 0x00, 0x02, 0x02, 0x02, 0x00, 0x02, 0x00, 0x00})
	f.Fuzz(func(t *testing.T, packed []byte) {
		var recordings []moonfirefs.Summary
		err := unpack(10, packed, func(s *moonfirefs.Summary) error {
			recordings = append(recordings, *s)
			return nil
		})
		if err == nil && !slices.Equal(unpacked(t, 10, pack(10, recordings)), recordings) {
			t.Errorf("% x: packed again it is something else", packed)
		}
	})
}

// history is recordings that come and go in every way there is.
type history struct {
	*fixture
	random *rand.Rand
	now90k moonfirefs.Time90k
}

func (h *history) step() {
	h.Helper()
	switch n := h.random.IntN(100); {
	case n < 3: // this machine's clock is set, perhaps to before 1970
		h.now90k = moonfirefs.Time90k(h.random.Int64N(6*hour90k) - 3*hour90k)
	case n < 6:
		h.exec(`delete from recording where id = (select id from recording order by random() limit 1)`)
	case n < 9:
		h.exec(`update recording set start_time_90k = start_time_90k + 200000000, flags = 1 where id = (select id from recording order by random() limit 1)`)
	case n < 11:
		h.exec(`update stream set retain_bytes = ?`, 1000+h.random.IntN(20000))
	default:
		r, _ := h.add(h.now90k, 1+h.random.IntN(4))
		h.now90k = r.End90k().Add(moonfirefs.Duration90k(h.random.Int64N(10 * 60 * moonfirefs.UnitsPerSecond)))
	}
}

func (h *history) exec(query string, args ...any) {
	h.Helper()
	if _, err := h.db.writer.Exec(query, args...); err != nil {
		h.Fatal(err)
	}
}

// covered asks the covering index.
func (h *history) covered(from, to moonfirefs.Time90k) (recordings []moonfirefs.Summary) {
	h.Helper()
	rows, err := h.db.readers.Query(coveredSQL, h.stream(), from, to)
	if err != nil {
		h.Fatal(err)
	}
	err = each(rows, func() error {
		var s moonfirefs.Summary
		err := rows.Scan(fieldsOf(&s)...)
		recordings = append(recordings, s)
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	return recordings
}

// Whatever recordings come and go by whatever statement, what EachSummary says is
// what the covering index says; and all hours are packed but two for a stream, and
// those that somebody else has changed.
func TestSummariesAreThoseOfTheCoveringIndex(t *testing.T) {
	f := newFixture(t, 10_000)
	h := &history{f, rand.New(rand.NewPCG(1, 2)), 0}
	packed := 0
	for range 250 {
		h.step()
		from := moonfirefs.Time90k(h.random.Int64N(8*hour90k) - 4*hour90k)
		to := from.Add(moonfirefs.Duration90k(h.random.Int64N(3 * hour90k)))
		for _, interval := range [][2]moonfirefs.Time90k{{moonfirefs.MinTime90k, moonfirefs.MaxTime90k}, {from, to}} {
			var got []moonfirefs.Summary
			err := f.db.EachSummary(t.Context(), f.stream(), interval[0], interval[1], func(s *moonfirefs.Summary) error {
				got = append(got, *s)
				return nil
			})
			if want := h.covered(interval[0], interval[1]); err != nil || !slices.Equal(got, want) {
				t.Fatalf("[%v, %v) has %+v, the index says %+v (%v)", interval[0], interval[1], got, want, err)
			}
		}
		packed += h.count(`select count(*) from hour_summaries where summaries is not null`)
	}
	if packed == 0 {
		t.Error("no hour was ever packed")
	}
	if problems, err := f.db.WrongSummaries(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("summaries: %v, %v", problems, err)
	}
	if err := f.db.Recount(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := h.count(`select count(*) from hour_summaries where summaries is null`); n != 0 {
		t.Errorf("%d hours are not packed", n)
	}
}

func (h *history) count(query string) (n int) {
	h.Helper()
	if err := h.db.readers.QueryRow(query).Scan(&n); err != nil {
		h.Fatal(err)
	}
	return n
}

// An hour is packed once, when it is over, and not with each transaction.
func TestHoursArePackedOnce(t *testing.T) {
	f := newFixture(t, 1<<30)
	h := &history{f, nil, 0}
	const step90k = 10 * 60 * moonfirefs.UnitsPerSecond
	for i := range moonfirefs.Time90k(6 * 5) {
		f.add(i*step90k, 1)
		want := max(0, int(i/6)-1) // not the oldest and not the newest
		if packed := h.count(`select count(*) from hour_summaries where summaries is not null`); packed != want {
			t.Errorf("after %d transactions, %d hours are packed, want %d", i+1, packed, want)
		}
	}
	// Retention takes the first two hours, and their rows.
	h.exec(`update stream set retain_bytes = 18 * 100`)
	f.add(30*step90k, 1)
	if rows := h.count(`select count(*) from hour_summaries`); rows != 4 {
		t.Errorf("there are %d rows for 4 hours", rows)
	}
}
