// SPDX-License-Identifier: GPL-3.0-or-later

package growing

import (
	"os"
	"strings"
	"testing"
)

// planned is what docs/growing.md assumes.
func planned() (results []Result) {
	camera := Camera{BitsPerSecond: 4e6, FramesPerSecond: 15}
	for _, n := range []int{10, 100, 1000, 10000} {
		results = append(results, Simulate(n, camera, Recorder{Cameras: 60, DisksOf: 30}, Plan{DiskDays: 7, ArchiveDays: 83, WatchedHours: 10}, 365))
	}
	return results
}

// TestDocument ensures that docs/growing.md has what the model says.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../../docs/growing.md")
	if err != nil {
		t.Fatal(err)
	}
	if table := Table(planned()); !strings.Contains(string(text), "\n"+table+"\n") {
		t.Errorf("docs/growing.md does not have this table:\n%s", table)
	}
}

// TestSteady ensures that what is kept stops growing once the oldest goes, and that nothing
// is lost on the way: each day is on a disk or in the store.
func TestSteady(t *testing.T) {
	camera := Camera{BitsPerSecond: 1e6, FramesPerSecond: 15}
	recorder, plan := Recorder{Cameras: 10, DisksOf: 10}, Plan{DiskDays: 3, ArchiveDays: 10}
	for _, days := range []int{1, 3, 4, 13, 14, 100} {
		r := Simulate(10, camera, recorder, plan, days)
		want := 10 * camera.DayBytes() * float64(min(days, 13))
		if got := r.DiskBytes + r.ArchiveBytes; got < want*0.999 || got > want*1.001 {
			t.Errorf("after %d days, %g bytes, not %g", days, got, want)
		}
		if r.Objects < 0 || r.DiskBytes > 3.001*10*camera.DayBytes() {
			t.Errorf("after %d days: %+v", days, r)
		}
	}
}

// TestPrices ensures that prices are taken by their steps.
func TestPrices(t *testing.T) {
	if got := costAt(storagePrices, 60e12); got < 50e3*0.023+10e3*0.022-0.01 || got > 50e3*0.023+10e3*0.022+0.01 {
		t.Errorf("60 TB cost %g", got)
	}
}
