// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// TestBackupAndRestore follows docs/index-backup.md: a backup is made while recording
// goes on; the index is lost and the backup restored. Nothing that was recorded
// after the backup is deleted, the recorder refuses to run until a person accepts
// the loss, and what the backup knows has the same bytes as before.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*program, string){
		"stopped in order": func(p *program, _ string) { p.stop() },
		"killed":           kill,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			camera := startCamera(t, testcamera.Config{KeepSent: 1})
			path, mountpoint := newStore(t), newMountpoint(t)
			mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
			recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
			waitForRecordings(t, path, 3)
			backup := filepath.Join(t.TempDir(), "index.db")
			requireOutput(t, exitOK, []string{"copying", "Copied the index"}, "backup", backup, "--store", path, "--progress")
			known := recordingDigests(t, backup, path)
			waitForRecordings(t, path, len(known)+4)
			end(recorder, mountpoint)
			before := recordingDigests(t, filepath.Join(path, "moonfire.db"), path)

			restore(t, path, backup)
			recorder = start(t, "run", newMountpoint(t), "--store", path)
			recorder.wait()
			if output := recorder.output.String(); recorder.err == nil || !strings.Contains(output, "moonfirefs repair accept") || strings.Count(output, "\n") != 1 {
				t.Fatalf("%v: %s", recorder.err, output)
			}
			requireOutput(t, exitFailure, []string{"mismatch:", "the index is older", "orphan:"}, "check", "--store", path, "--hash")
			requireOutput(t, exitOK, []string{"the index is older", "1 directory accepted"}, "repair", "accept", "--store", path)
			requireOutput(t, exitOK, []string{"Moved orphan"}, "repair", "move-orphans", "--all", "--store", path)
			checktest.Require(t, path)

			recorder = start(t, "run", newMountpoint(t), "--store", path, "--rotate-every", "1s")
			waitForRecordings(t, path, len(known)+2)
			recorder.stop()
			now := recordingDigests(t, filepath.Join(path, "moonfire.db"), path)
			for file, digest := range before {
				if known[file] == "" {
					aside, err := os.ReadFile(filepath.Join(path, "samples", "aside", file))
					if err != nil || fmt.Sprintf("%x", sha256.Sum256(aside)) != digest {
						t.Errorf("what was recorded after the backup is gone: %s, %v", file, err)
					}
				} else if now[file] != digest {
					t.Errorf("what the backup knows has changed: %s", file)
				}
			}
			if len(known) == len(before) || len(known) == 0 {
				t.Errorf("nothing was proved: %d recordings, %d of them in the backup", len(before), len(known))
			}
		})
	}
}

// kill ends a program without any order, and detaches the mount that it leaves.
func kill(p *program, mountpoint string) {
	p.t.Helper()
	mustDo(p.t, p.cmd.Process.Kill())
	<-p.exited
	mustDo(p.t, syscall.Unmount(mountpoint, syscall.MNT_DETACH))
}

// recordingDigests are those of the sample files, by name, without the ones that
// are being written.
func recordingDigests(t *testing.T, database, path string) map[string]string {
	t.Helper()
	digests := make(map[string]string)
	names := strings.Fields(tool(t, "sqlite3", "file:"+database+"?mode=ro", `select lower(hex(sample_file_uuid)) from recording`))
	for _, hex := range names {
		name := hex[:8] + "-" + hex[8:12] + "-" + hex[12:16] + "-" + hex[16:20] + "-" + hex[20:]
		data, err := os.ReadFile(filepath.Join(path, "samples", name))
		mustDo(t, err)
		digests[name] = fmt.Sprintf("%x", sha256.Sum256(data))
	}
	return digests
}
