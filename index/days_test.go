// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	_ "time/tzdata" // the tests must not depend on the machine's zones

	"github.com/moonfirefs/moonfirefs"
)

// The worked example of design/summaries.md.
func TestPackStretchesWorkedExample(t *testing.T) {
	day := moonfirefs.Interval{Start90k: 324000000, End90k: 25 * 324000000}
	stretches := []moonfirefs.Stretch{
		{Interval: moonfirefs.Interval{Start90k: day.Start90k + 90, End90k: day.Start90k + 5_400_090}, SampleFileBytes: 1000, VideoSamples: 300, VideoEntry: 1},
		{Interval: moonfirefs.Interval{Start90k: day.Start90k + 5_400_100, End90k: day.Start90k + 10_800_100}, SampleFileBytes: 990, VideoSamples: 300, VideoEntry: 1, AudioEntry: 2},
	}
	want := []byte{
		0xb4, 0x01, 0x80, 0x97, 0x93, 0x05, 0xd0, 0x0f, 0xd8, 0x04, 0x02, 0x00,
		0x14, 0x00, 0x13, 0x00, 0x00, 0x04,
	}
	packed := packStretches(day, stretches)
	if !bytes.Equal(packed, want) {
		t.Errorf("packed as % x, want % x", packed, want)
	}
	if got, err := unpackStretches(day, packed); err != nil || !slices.Equal(got, stretches) {
		t.Errorf("unpacked as %+v, %v", got, err)
	}
}

func TestUnpackStretchesRejectsDamage(t *testing.T) {
	day := moonfirefs.Interval{Start90k: 0, End90k: 24 * hour90k}
	at := func(start, end moonfirefs.Time90k) []byte {
		return packStretches(day, []moonfirefs.Stretch{{
			Interval: moonfirefs.Interval{Start90k: start, End90k: end}, SampleFileBytes: 1, VideoSamples: 1, VideoEntry: 1,
		}})
	}
	sound := at(0, 1)
	for name, packed := range map[string][]byte{
		"truncated": sound[:len(sound)-1], "of another day": at(day.End90k, day.End90k+1),
		"ends before it starts": at(10, 9), "years long": at(0, 1<<50),
	} {
		if _, err := unpackStretches(day, packed); !errors.Is(err, moonfirefs.ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
}

// FuzzUnpackStretches: what can be unpacked at all has the values that are packed again.
func FuzzUnpackStretches(f *testing.F) {
	day := moonfirefs.Interval{Start90k: 0, End90k: 24 * hour90k}
	f.Add([]byte{0x02, 0x02, 0x02, 0x02, 0x02, 0x00})
	f.Fuzz(func(t *testing.T, packed []byte) {
		stretches, err := unpackStretches(day, packed)
		if err != nil {
			return
		}
		if again, err := unpackStretches(day, packStretches(day, stretches)); err != nil || !slices.Equal(again, stretches) {
			t.Errorf("% x: packed again it is something else", packed)
		}
	})
}

// days lists what rows tell, and requires that it is what the covering index says.
func (h *history) days() (all []moonfirefs.Interval) {
	h.Helper()
	err := h.db.EachDay(h.Context(), h.stream(), func(day moonfirefs.Interval, stretches []moonfirefs.Stretch) error {
		all = append(all, day)
		var want []moonfirefs.Stretch
		for _, r := range h.covered(day.Start90k, day.End90k) {
			want = moonfirefs.AppendStretch(want, moonfirefs.StretchOf(&r))
		}
		if !slices.Equal(stretches, want) {
			return fmt.Errorf("%v has %+v, the index says %+v", day, stretches, want)
		}
		return nil
	})
	if err != nil {
		h.Fatal(err)
	}
	return all
}

// Whatever recordings come and go by whatever statement, what EachDay says of a day is what
// the covering index says; and what Recount says is that of all days but two.
func TestDaysAreThoseOfTheCoveringIndex(t *testing.T) {
	f := newFixture(t, 1<<30)
	h := &history{f, rand.New(rand.NewPCG(3, 4)), 0}
	told := 0
	for range 250 {
		switch n := h.random.IntN(100); {
		case n < 5: // this machine's clock is set, perhaps to before 1970
			h.now90k = moonfirefs.Time90k(h.random.Int64N(10*24*hour90k) - 5*24*hour90k)
		case n < 10:
			h.exec(`delete from recording where id = (select id from recording order by random() limit 1)`)
		case n < 15:
			h.exec(`update recording set start_time_90k = start_time_90k + 8000000000, flags = 1 where id = (select id from recording order by random() limit 1)`)
		case n < 18:
			h.exec(`update stream set retain_bytes = ?`, 1000+h.random.IntN(20000))
		default:
			r, _ := h.add(h.now90k, 1+h.random.IntN(4))
			h.now90k = r.End90k().Add(moonfirefs.Duration90k(h.random.Int64N(2) * h.random.Int64N(10*hour90k)))
		}
		told += len(h.days())
	}
	if told == 0 {
		t.Error("no day was ever told of")
	}
	if err := f.db.Recount(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, hours := len(h.days()), h.count(`select count(distinct (utc_hour + 1) / 24 - ((utc_hour + 1) % 24 < 0)) from hour_summaries`)
	if rows < hours-2 || rows >= hours {
		t.Errorf("%d of %d days have a row", rows, hours)
	}
	if problems, err := f.db.WrongSummaries(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	h.exec(`update day_stretches set stretches = (select max(stretches) from day_stretches)`)
	if problems, err := f.db.WrongSummaries(t.Context()); err != nil || len(problems) == 0 || !strings.Contains(problems[0], "stretches") {
		t.Errorf("of rows that are wrong, %q is said, %v", problems, err)
	}
}

// A day is packed once, when it is over, and not with each transaction; and retention takes
// its row.
func TestDaysArePackedOnce(t *testing.T) {
	f := newFixture(t, 1<<30)
	h := &history{f, nil, 0}
	for i := range moonfirefs.Time90k(4 * 6) {
		f.add((i*4-1)*hour90k, 1) // a day begins at 23 o'clock of UTC
		if rows, want := len(h.days()), max(0, int(i/6)-1); rows != want {
			t.Errorf("after %d transactions, %d days have rows, want %d", i+1, rows, want)
		}
	}
	h.exec(`update stream set retain_bytes = 8 * 100`)
	f.add(4*24*hour90k-hour90k, 1)
	if rows := len(h.days()); rows != 1 {
		t.Errorf("%d days have rows, want the last but one", rows)
	}
}

// TestDaysOfHour ensures that an hour of UTC belongs to each civil date that it has a part
// in, also where clocks differ from UTC by parts of an hour.
func TestDaysOfHour(t *testing.T) {
	for zone, want := range map[string]int{"Europe/Zurich": 24, "Asia/Kathmandu": 25, "Australia/Lord_Howe": 25} {
		c, ok := calendarOf(zone)
		if !ok {
			t.Fatal(zone)
		}
		hours := make(map[moonfirefs.Interval]int)
		for h := range utcHour(72) {
			for _, d := range daysOf(c, streamHour{1, 400_000 + h}) {
				hours[d.Interval]++
			}
		}
		most := 0
		for _, n := range hours {
			most = max(most, n)
		}
		if len(hours) != 4 || most != want {
			t.Errorf("%s: 72 hours belong to %d days, and %d to one of them", zone, len(hours), most)
		}
	}
	if _, ok := calendarOf("Europe/Nowhere"); ok {
		t.Error("a zone that there is not is known")
	}
}

// TestMigratePacksDays ensures that the migration tells of days that are over, and that a
// damaged or a missing row costs nothing but time.
func TestMigratePacksDays(t *testing.T) {
	path := oldStore(t)
	upgradeTo(t, path, 7)
	alter(t, path, `update recording set start_time_90k = start_time_90k - id % 4 * 7776000000`)
	reader := openOld(t, path, false)
	before := contents(t, reader)
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	db := openOld(t, path, true)
	count := func() (rows int) {
		cameras, err := db.Cameras(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = db.EachDay(t.Context(), cameras[0].Streams[0].ID, func(moonfirefs.Interval, []moonfirefs.Stretch) error {
			rows++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	if rows := count(); rows == 0 || contents(t, db) != before {
		t.Errorf("%d days have rows", rows)
	}
	requireSound(t, db)
	requireShippedSchema(t, path)
	alter(t, path, `update day_stretches set stretches = x'ff'`)
	if rows := count(); rows != 0 {
		t.Errorf("%d days have rows that say something", rows)
	}
}
