// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestProof ensures that a recorder signs the days that are over, that the mount and
// export have the proofs, which are not listed, that verify takes them, and nothing else,
// and that all of it is the same after the store was moved and run again.
func TestProof(t *testing.T) {
	t.Parallel()
	path, elsewhere := filepath.Join(t.TempDir(), "store"), t.TempDir()
	mustDo(t, teststore.Create(t.Context(), path, "Europe/Zurich", teststore.Camera{Name: "yard", RetainBytes: 1 << 40}))
	key := lastField(mustRun(t, "proof", "init", "--store", path))
	requireOutput(t, exitFailure, []string{"already holds a key"}, "proof", "init", "--store", path)
	info, err := os.Stat(filepath.Join(path, "proof", "secret.key"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the private key is %v, %v", info, err)
	}
	recordYard(t, path)

	mountpoint := newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", path)
	recorder.saw("signed a day")
	folder := filepath.Join(mountpoint, "yard", "2026-11-22")
	wait.Until(t, "the mount", func() bool { _, err := os.Stat(folder); return err == nil })
	hour, proof := filepath.Join(folder, "13.mp4"), filepath.Join(folder, "13.proof.json")
	requireOutput(t, exitOK, []string{"UNCHANGED", "yard", "2026-11-22 13:10:00 +01:00 to 2026-11-22 13:11:00 +01:00"}, "verify", hour, "--key", key)
	requireOutput(t, exitOK, []string{"UNCHANGED"}, "verify", hour, "--proof", proof, "--key", filepath.Join(mountpoint, "proof.pub"))
	clip := filepath.Join(mountpoint, "yard", "clips", "2026-11-22T13.10.05--13.10.33.mp4")
	requireOutput(t, exitOK, []string{"UNCHANGED"}, "verify", clip, "--key", key)
	mustRun(t, "keep", "yard", "2026-11-22T13:10:05", "13:10:20", "--name", "visit", "--store", path)
	wait.Until(t, "what is kept", func() bool { _, err := os.Stat(filepath.Join(mountpoint, "saved", "visit.mp4")); return err == nil })
	requireOutput(t, exitOK, []string{"UNCHANGED"}, "verify", filepath.Join(mountpoint, "saved", "visit.mp4"), "--key", key)

	before, size, err := readWhole(proof)
	if err != nil || int64(len(before)) != size {
		t.Errorf("the proof has %d bytes of %d, %v", len(before), size, err)
	}
	if _, size, err := readWhole(filepath.Join(folder, "proof.json")); err != nil || size == 0 {
		t.Errorf("the proof of the date has %d bytes, %v", size, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "other.json")); !os.IsNotExist(err) {
		t.Errorf("a file that nobody offers: %v", err)
	}
	if listed := files(t, mountpoint); slices.ContainsFunc(listed, func(name string) bool { return strings.Contains(name, "proof") }) {
		t.Errorf("proofs are listed: %q", listed)
	}
	recorder.stop()

	exported := filepath.Join(elsewhere, "visit.mp4")
	requireOutput(t, exitOK, []string{"visit.proof.json"}, "export", "yard", "2026-11-22T13:10:05", "13:10:33", "-o", exported, "--store", path)
	requireOutput(t, exitOK, []string{"UNCHANGED"}, "verify", exported, "--key", key)
	requireSameMode(t, exported, filepath.Join(elsewhere, "visit.proof.json"))
	requireOutput(t, exitFailure, []string{"exists"}, "export", "yard", "2026-11-22T13:10:05", "13:10:33", "-o", exported, "--store", path)
	requireVerifySlips(t, exported, key, filepath.Join(path, "proof", "secret.key"))
	data, err := os.ReadFile(exported)
	mustDo(t, err)
	data[len(data)-1000] ^= 1
	mustDo(t, os.WriteFile(exported, data, 0o600))
	requireOutput(t, exitFailure, []string{"DOES NOT FIT"}, "verify", exported, "--key", key)
	requireOutput(t, exitUnchecked, []string{"no such file"}, "verify", filepath.Join(elsewhere, "none.mp4"), "--key", key)
	requireOutput(t, exitUsage, []string{"--key is missing"}, "verify", exported)
	requireOutput(t, exitUsage, []string{"neither a public key nor a file"}, "verify", exported, "--key", "RWQ")

	for _, address := range []string{"NaN", "https://", "ftp://tsa.example/"} {
		requireOutput(t, exitUsage, []string{"is not an address of an authority"}, "run", mountpoint, "--store", path, "--time-stamp-url", address)
	}

	// Moved to another place, and run again.
	moved := filepath.Join(elsewhere, "moved")
	mustDo(t, os.Rename(path, moved))
	recorder = start(t, "run", mountpoint, "--store", moved)
	recorder.saw("recording")
	wait.Until(t, "the mount", func() bool { _, err := os.Stat(folder); return err == nil })
	if after, _, err := readWhole(proof); err != nil || string(after) != string(before) {
		t.Errorf("the proof has changed, %v", err)
	}
	recorder.stop()
}

// requireVerifySlips requires that verify takes what an editor leaves, and waits for and believes
// nothing else that somebody may give it.
func requireVerifySlips(t *testing.T, film, key, secret string) {
	t.Helper()
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	document, err := os.ReadFile(proofPath(film))
	mustDo(t, err, unix.Mkfifo(in("fifo"), 0o600), os.WriteFile(in("twice.json"), append(bytes.Clone(document), document...), 0o600),
		os.WriteFile(in("bom.json"), append([]byte("\uFEFF"), document...), 0o600), os.WriteFile(in("bom.pub"), []byte("\uFEFF"+key+"\r\n"), 0o600))
	for _, test := range []struct {
		status int
		want   string
		args   []string
	}{
		{exitOK, "UNCHANGED", []string{film, "--key", in("bom.pub"), "--proof", in("bom.json")}},
		{exitFailure, "NOT PROVEN", []string{film, "--key", key, "--proof", in("twice.json")}},
		{exitUnchecked, "not a regular file", []string{in("fifo"), "--key", key, "--proof", proofPath(film)}},
		{exitUnchecked, "more than 65536 bytes", []string{film, "--key", "/dev/zero"}},
		{exitUnchecked, "that is the private key", []string{film, "--key", secret}},
		{exitUnchecked, "begins with RW", []string{film, "--key", "/dev/null"}},
		{exitUnchecked, "it has no certificate", []string{film, "--key", key, "--tsa-roots", "/dev/null"}},
		{exitUnchecked, "no such file", []string{film, "--key", key, "--tsa-roots", in("none.pem")}},
	} {
		requireOutput(t, test.status, []string{test.want}, append([]string{"verify"}, test.args...)...)
	}
	requireStatusWithoutOutput(t, exitUnchecked, "verify", film, "--key", key)
}

// requireStatusWithoutOutput requires an exit status of a command whose output no disk has room for.
func requireStatusWithoutOutput(t *testing.T, want int, args ...string) {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	mustDo(t, err)
	defer full.Close()
	var problems strings.Builder
	if status := execute(t.Context(), args, strings.NewReader(""), full, &problems); status != want || !strings.Contains(problems.String(), "no space left") {
		t.Errorf("%q: status %d, want %d: %s", args, status, want, &problems)
	}
}

// requireSameMode requires that whoever may read a file may read another one.
func requireSameMode(t *testing.T, path, other string) {
	t.Helper()
	one, err := os.Stat(path)
	mustDo(t, err)
	two, err := os.Stat(other)
	mustDo(t, err)
	if one.Mode() != two.Mode() {
		t.Errorf("%s is %v, %s is %v", path, one.Mode(), other, two.Mode())
	}
}

// recordYard records a minute of a day that is over.
func recordYard(t *testing.T, path string) {
	t.Helper()
	s, err := teststore.Open(t.Context(), path)
	mustDo(t, err)
	mustDo(t, s.Record(t.Context(), teststore.Take{
		Folder: "yard", Start: teststore.At("2026-11-22T13:10:00+01:00"), Recordings: 3, Seconds: 20,
		Media: yardMedia(),
	}))
	mustDo(t, s.Close())
}

func lastField(text string) string {
	fields := strings.Fields(text)
	return fields[len(fields)-1]
}

// TestInitKey ensures that a new store has a key, unless that is not wanted.
func TestInitKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		flags []string
		want  bool
	}{{nil, true}, {[]string{"--no-proof"}, false}} {
		path := filepath.Join(t.TempDir(), "store")
		mustRun(t, append([]string{"init", "--store", path}, test.flags...)...)
		if _, err := os.Stat(filepath.Join(path, "proof", "secret.key")); (err == nil) != test.want {
			t.Errorf("%q: %v", test.flags, err)
		}
	}
}

// TestSpoiltKey ensures that a key which cannot be used does not keep a recorder from
// recording.
func TestSpoiltKey(t *testing.T) {
	t.Parallel()
	path := newStore(t) // which has a key
	mustDo(t, os.WriteFile(filepath.Join(path, "proof", "secret.key"), []byte("nothing"), 0o600))
	recorder := start(t, "run", newMountpoint(t), "--store", path)
	recorder.saw("footage is recorded, but not signed")
	recorder.saw("msg=recording")
	recorder.stop()
}

// TestExportOfThePresent ensures that the footage of this moment can be exported, which has
// no proof yet, and that this is no error.
func TestExportOfThePresent(t *testing.T) {
	t.Parallel()
	path := newStore(t) // which has a key
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", startCamera(t, testcamera.Config{}).URL(), "--retain", "1GB")
	mountpoint := newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", path)
	latest := filepath.Join(mountpoint, "driveway", "latest.mp4")
	wait.Until(t, "the newest footage", func() bool { _, err := os.Stat(latest); return err == nil })
	file := filepath.Join(t.TempDir(), "now.mp4")
	requireOutput(t, exitOK, []string{"Wrote " + file, "No proof yet"}, "export", "driveway", "-1m", "now", "-o", file, "--store", path)
	recorder.stop()
}
