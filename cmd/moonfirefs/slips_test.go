// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// TestSlips ensures that commands which somebody may mistype refuse to touch what a store has
// for itself, and that nothing is changed by them.
func TestSlips(t *testing.T) {
	t.Parallel()
	path, other := teststore.New(t, 3), t.TempDir()
	samples := filepath.Join(path, "samples")
	link := filepath.Join(other, "link")
	mustDo(t, os.Symlink(samples, link))
	mustRun(t, "keep", "--store", path, "driveway", "1970-01-01", "1970-01-02", "--name", "all")
	mustRun(t, "camera", "edit", "--store", path, "driveway", "--retain", "1B")
	for _, test := range []struct {
		status int
		want   string
		args   []string
	}{
		{exitUsage, "--store has no value", []string{"init", "--store", ""}},
		{exitFailure, "already holds", []string{"init", "--store", path}},
		{exitFailure, "in the sample directory", []string{"init", "--store", filepath.Join(samples, "x")}},
		{exitFailure, "in the sample directory", []string{"init", "--store", filepath.Join(other, "s"), "--samples", filepath.Join(link, "x")}},
		{exitFailure, "it is not a folder, as a store is", []string{"list", "--store", filepath.Join(path, "moonfire.db")}},
		{exitUsage, "DIR is empty", []string{"dir", "add", "", "--store", path}},
		{exitFailure, "already has it", []string{"dir", "add", link, "--store", path}},
		{exitFailure, "in the sample directory", []string{"dir", "add", filepath.Join(link, "a", "b"), "--store", path}},
		{exitFailure, "not empty", []string{"dir", "add", path, "--store", path}},
		{exitUsage, "cannot be written to standard output", []string{"backup", "-", "--store", path}},
		{exitFailure, "store's own files", []string{"backup", filepath.Join(samples, "index.db"), "--store", path}},
		{exitFailure, "store's own files", []string{"backup", filepath.Join(link, "index.db"), "--store", path}},
		{exitFailure, "store's own files", []string{"backup", filepath.Join(path, "moonfire.db-wal"), "--store", path}},
		{exitFailure, "store's own files", []string{"export", "driveway", "1970-01-01 00:00:01", "00:00:02", "--force", "-o", filepath.Join(link, "x.mp4"), "--store", path}},
		{exitUsage, "--retain has no value", []string{"camera", "edit", "driveway", "--retain", "", "--store", path}},
		{exitUsage, "the unit is missing", []string{"camera", "edit", "driveway", "--retain", "800", "--store", path}},
		{exitUsage, "give its URL with --sub", []string{"camera", "add", "--no-test", "b", "rtsp://192.0.2.1/", "--retain", "1GB", "--sub-retain", "1GB", "--store", path}},
		{exitUsage, "If all is released, the footage of driveway from 1970-01-01 00:00:01 to 00:00:04, 3 recordings", []string{"keep", "--release", "all", "--store", path}},
		{exitFailure, "cameras of its own", []string{"demo", filepath.Dir(path)}},
	} {
		requireOutput(t, test.status, []string{test.want}, test.args...)
	}
	if n := recordings(t, path, 1); n != 3 {
		t.Errorf("%d recordings are left", n)
	}
	requireOutput(t, exitOK, []string{"all"}, "keep", "--list", "--store", path)
}

// TestDropMissingOfEmptiedDirectory ensures that recordings are not forgotten by the hundred
// because another disk is mounted, unless somebody says so.
func TestDropMissingOfEmptiedDirectory(t *testing.T) {
	t.Parallel()
	path := teststore.New(t, 2*manyMissing)
	files, err := filepath.Glob(filepath.Join(path, "samples", "*-*-*-*-*"))
	mustDo(t, err)
	for _, file := range files {
		mustDo(t, os.Remove(file))
	}
	requireOutput(t, exitUsage, []string{"20 of 20 recordings are missing", "--yes"}, "repair", "drop-missing", "--all", "--store", path)
	if n := recordings(t, path, 1); n != 2*manyMissing {
		t.Errorf("%d recordings are left", n)
	}
	requireOutput(t, exitOK, []string{"20 recordings dropped"}, "repair", "drop-missing", "--all", "--yes", "--store", path)
}

// TestEndInTime ensures that a program which somebody has asked to end does so, with words,
// although a disk holds it up.
func TestEndInTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	ended := make(chan int, 2) // it may be told twice
	endInTime(ctx, ending{time.Millisecond, time.Second, servingEnding.text, exitFailure}, &out, func() {}, func(status int) { ended <- status })
	cancel()
	if status := <-ended; status != exitFailure || !strings.Contains(out.String(), "disk or file system does not answer") {
		t.Errorf("status %d: %s", status, &out)
	}
}
