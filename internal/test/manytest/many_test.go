// SPDX-License-Identifier: GPL-3.0-or-later

package manytest

import (
	"bytes"
	"testing"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/recorder"
)

// TestManyCameras ensures that every frame that many cameras send is recorded, in
// one run without a break, and that what the recorder has in use does not grow.
func TestManyCameras(t *testing.T) {
	n, long, rotateEvery := 8, 6*time.Second, 2*time.Second
	if *full {
		n, long, rotateEvery = 64, *duration, time.Minute
	}
	media, err := newMedia(t.Context(), gopFrames)
	if err != nil {
		t.Fatal(err)
	}
	cameras := startCameras(t, n, gopFrames)
	r := record(t, cameras.urls, recorder.Options{SegmentEvery: rotateEvery})
	// Before its pace is known, a camera has no files.
	wait.Until(t, "recordings of all cameras", r.hasAll)
	began := time.Now()

	_, warm := watch(t, long/5)
	_, _ = watch(t, long*2/5)
	// Peaks come and go, with a busy disk. What grows does not go.
	late, _ := watch(t, long*2/5)
	all := cameras.stall()
	elapsed := time.Since(began)
	if err := r.recorder.Close(); err != nil {
		t.Error(err)
	}
	if log := r.log.String(); log != "" {
		t.Errorf("the log has\n%s", log)
	}
	requireFlat(t, warm, late, usage{residentBytes: 16 << 20, files: n / 2, threads: n / 2, goroutines: n / 2})
	frames, sizeBytes := compare(t, r, samples(media), all)
	t.Logf("%d cameras, %v: %d frames, %s, %s/s; the recorder took %.0f %% of a CPU", n, elapsed.Round(time.Second), frames,
		humanize.Bytes(uint64(sizeBytes)), humanize.Bytes(uint64(float64(sizeBytes)/elapsed.Seconds())), 100*(late.cpu-warm.cpu).Seconds()/(long.Seconds()*2/5))
}

// watch returns the least and the most that was in use during a time.
func watch(t *testing.T, duration time.Duration) (least, most usage) {
	least = measure(t)
	for deadline := time.Now().Add(duration); time.Now().Before(deadline); time.Sleep(duration / 50) {
		now := measure(t)
		least, most = least.least(now), most.most(now)
	}
	return least, most
}

// compare requires all that each camera sent from its first key frame on, in its
// order, but for the last frame, whose end nobody can tell.
func compare(t *testing.T, r *recording, samples [][]byte, all []sent) (frames int, sizeBytes int64) {
	t.Helper()
	next := make(map[moonfirefs.StreamID][]int)
	for i, s := range all {
		if s.Runs != 1 {
			t.Errorf("camera %d: %d connections", i, s.Runs)
		}
		first := 0
		for first < len(s.Counters) && s.Counters[first]%gopFrames != 0 {
			first++
		}
		next[moonfirefs.StreamID(i+1)] = s.Counters[first:]
	}
	r.eachSample(func(stream moonfirefs.StreamID, _ int32, data []byte) {
		frames++
		sizeBytes += int64(len(data))
		want := next[stream]
		if len(want) == 0 || !bytes.Equal(data, samples[want[0]]) {
			t.Fatalf("camera %d: of the frames that it sent, %d are missing or differ from here on", stream-1, len(want))
		}
		next[stream] = want[1:]
	})
	for stream, left := range next {
		if len(left) != 0 {
			t.Errorf("camera %d: the last %d frames are not recorded", stream-1, len(left))
		}
	}
	return frames, sizeBytes
}
