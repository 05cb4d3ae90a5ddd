// SPDX-License-Identifier: GPL-3.0-or-later

package metrics

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Ensures that a directory whose name is not UTF-8, which Linux allows, has metrics
// like any other, and does not end the recorder.
func TestDirectoryOfAnyName(t *testing.T) {
	out := make(chan prometheus.Metric, 100)
	s := sink{out}
	s.directory(&status.Directory{Path: "/mnt/\xff"})
	s.sampleDir("/mnt/\xff", new(sample.Counters))
	close(out)
	for m := range out {
		var written dto.Metric
		if err := m.Write(&written); err != nil {
			t.Fatal(err)
		}
		for _, l := range written.GetLabel() {
			if l.GetName() == "directory" && l.GetValue() != `/mnt/\xff` {
				t.Errorf("directory %q", l.GetValue())
			}
		}
	}
}
