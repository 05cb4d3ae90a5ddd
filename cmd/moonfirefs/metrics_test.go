// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, address string) (families map[string]*dto.MetricFamily, text []byte) {
	t.Helper()
	response, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err = io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v\n%s", response.Status, err, text)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err = parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return families, text
}

// metricsAddress is where a program serves metrics that was told to choose a port.
func metricsAddress(p *program) string {
	p.t.Helper()
	p.saw("serving metrics")
	return regexp.MustCompile(`address=(127\.0\.0\.1:\d+)`).FindStringSubmatch(p.output.String())[1]
}

// value returns the one metric of a name with labels such as what=file, in parts: of
// a histogram, how many values it has.
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	var found []float64
	for _, m := range families["moonfirefs_"+name].GetMetric() {
		matching := 0
		for _, l := range m.GetLabel() {
			for _, want := range labels {
				if l.GetName()+"="+l.GetValue() == want {
					matching++
				}
			}
		}
		if matching == len(labels) {
			found = append(found, m.GetCounter().GetValue()+m.GetGauge().GetValue()+float64(m.GetHistogram().GetSampleCount()))
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d metrics %s with %v", len(found), name, labels)
	}
	return found[0]
}

// TestMetrics ensures that what the real program counts is what it has recorded and
// served, that Prometheus' own parser and linter are content with it, and that it is
// served on this machine alone.
func TestMetrics(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path, mountpoint := newStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s", "--metrics", "127.0.0.1:0")
	address := metricsAddress(recorder)
	waitForRecordings(t, path, 3)
	camera.Stop()
	recorder.saw("no connection to the camera")
	// All that has arrived is recorded, as soon as the last recording is committed.
	var families map[string]*dto.MetricFamily
	wait.Until(t, "the last recording to be committed", func() bool {
		families, _ = scrape(t, address)
		return value(t, families, "frames_total", "camera=driveway", "stream=main") == float64(totals(t, path).VideoSamples)
	})
	recorded := totals(t, path)
	families, text := scrape(t, address)
	for _, want := range []struct {
		name   string
		labels []string
		value  float64
	}{
		{"frames_total", []string{"camera=driveway", "stream=main"}, float64(recorded.VideoSamples)},
		{"received_bytes_total", nil, float64(recorded.SampleFileBytes)},
		{"dropped_frames_total", nil, 0},
		{"connections_total", nil, 1},
		{"camera_connected", nil, 0},
		{"recordings_total", nil, float64(recordings(t, path, 1))},
		{"queue_frames", nil, 0}, {"queue_bytes", nil, 0},
		{"quota_bytes", nil, 1e9},
		{"fsync_duration_seconds", []string{"what=file"}, float64(recordings(t, path, 1))},
		{"unsaved_recordings", nil, 0}, {"quarantined_files", nil, 0}, {"failed_saves_total", nil, 0},
		{"mounted", nil, 1},
		{"mount_opens_total", nil, 0}, {"mount_reads_total", nil, 0}, {"mount_open_handles", nil, 0},
		{"video_index_cache_misses_total", nil, 0},
	} {
		if got := value(t, families, want.name, want.labels...); got != want.value {
			t.Errorf("%s%v is %v, want %v", want.name, want.labels, got, want.value)
		}
	}
	for _, name := range []string{"commit_duration_seconds", "transaction_duration_seconds", "saves_total", "disk_available_bytes", "last_frame_timestamp_seconds"} {
		if value(t, families, name) <= 0 {
			t.Errorf("%s is not counted", name)
		}
	}
	if saves, commits := value(t, families, "saves_total"), value(t, families, "commit_duration_seconds"); commits < 3 || saves < 3 {
		t.Errorf("%v saves, %v commits", saves, commits)
	}
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("the linter says %+v (%v)", problems, err)
	}
	if strings.Contains(string(text), "rtsp:") {
		t.Error("there is a URL in the metrics")
	}
	requireReadsCounted(t, mountpoint, address)
	recorder.stop()
}

// requireReadsCounted reads a file, twice the second time from the kernel's cache.
func requireReadsCounted(t *testing.T, mountpoint, address string) {
	t.Helper()
	paths := files(t, mountpoint)
	data, _, err := readWhole(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the handle to be released", func() bool {
		families, _ := scrape(t, address)
		return value(t, families, "mount_open_handles") == 0
	})
	families, _ := scrape(t, address)
	if opens, bytes := value(t, families, "mount_opens_total"), value(t, families, "mount_read_bytes_total"); opens != 1 || bytes < float64(len(data)) {
		t.Errorf("%v opens, %v bytes read of %d", opens, bytes, len(data))
	}
	if reads, missed := value(t, families, "mount_reads_total"), value(t, families, "video_index_cache_misses_total"); reads == 0 || missed == 0 {
		t.Errorf("%v reads, %v video indexes from the disk", reads, missed)
	}
	if listings, tables := value(t, families, "listing_cache_bytes"), value(t, families, "video_index_cache_bytes"); listings == 0 || tables == 0 {
		t.Errorf("listings take %v bytes, video indexes %v", listings, tables)
	}
	if faults := value(t, families, "mount_faults_total"); faults != 0 {
		t.Errorf("%v faults", faults)
	}
}

// totals sums all recordings of the first stream up.
func totals(t *testing.T, path string) (sum moonfirefs.Summary) {
	t.Helper()
	s := openToRead(t, path)
	defer s.Close()
	err := s.DB.EachSummary(t.Context(), 1, moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(r *moonfirefs.Summary) error {
		sum.VideoSamples += r.VideoSamples
		sum.SampleFileBytes += r.SampleFileBytes
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
