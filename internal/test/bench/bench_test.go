// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The loopback is this program, started again.
	if len(os.Args) == 4 && os.Args[1] == loopbackCommand {
		main()
	}
	goleak.VerifyTestMain(m)
}

// TestRows ensures that each row can still be measured. What comes out of so little
// footage means nothing.
func TestRows(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("the benchmarks mount: run them as root")
	}
	var out bytes.Buffer
	b := &bench{rounds: 1, amounts: little, out: &out, flushed: "ext4"}
	if err := b.run(t.Context(), t.TempDir(), ""); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		for _, n := range r.numbers {
			line := regexp.MustCompile(`(?m)^\| ` + strconv.Itoa(n) + ` \| [^|]+ \| [0-9.]+[ ;].*$`)
			if !line.Match(out.Bytes()) {
				t.Errorf("row %d is missing", n)
			}
		}
	}
	t.Logf("\n%s", &out)
}

func TestParseRows(t *testing.T) {
	if wanted, err := parseRows("7,4"); err != nil || !wanted[7] || !wanted[4] || wanted[1] {
		t.Errorf("7,4 means %v, %v", wanted, err)
	}
	if wanted, err := parseRows(""); err != nil || !wanted[1] || !wanted[17] {
		t.Errorf("nothing means %v, %v", wanted, err)
	}
	for _, list := range []string{"0", "18", "six", "6,,7"} {
		if _, err := parseRows(list); err == nil {
			t.Errorf("%s is accepted", list)
		}
	}
}

func TestMedianOfRatios(t *testing.T) {
	c := &contest{ours: []float64{2, 30, 3}, theirs: []float64{1, 10, 2}}
	if m := median(c.ratios()); m != 2 {
		t.Errorf("the median of the ratios is %v", m)
	}
}
