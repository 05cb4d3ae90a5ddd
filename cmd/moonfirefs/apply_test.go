// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// TestApply ensures that a file of cameras is applied as camera add and edit would, once; that
// a dry run changes nothing; that what costs footage or a camera asks; and that no password is
// printed.
func TestApply(t *testing.T) {
	t.Parallel()
	path, folder := teststore.New(t, 10), t.TempDir()
	file, secret := filepath.Join(folder, "cameras.toml"), filepath.Join(folder, "secret")
	mustDo(t, os.WriteFile(secret, []byte("s3cret\n"), 0o600))
	write := func(text string) { mustDo(t, os.WriteFile(file, []byte(text), 0o600)) }
	apply := func(status int, want []string, flags ...string) {
		t.Helper()
		requireOutput(t, status, want, append([]string{"apply", file, "--store", path}, flags...)...)
	}
	mustDo(t, os.WriteFile(file, []byte(mustRun(t, "apply", "--print", "--store", path)), 0o600))
	apply(exitOK, []string{"Nothing to change."})

	garden := "[cameras.garden]\nurl = 'rtsp://192.0.2.2/1'\nretain = '1GB'\nusername = 'admin'\npassword-file = '" + secret + "'\n"
	present := mustRun(t, "apply", "--print", "--store", path)
	write(present + garden)
	apply(exitOK, []string{"+ garden: added, a quota of 1.0 GB"}, "--dry-run")
	if strings.Contains(mustRun(t, "camera", "list", "--store", path), "garden") {
		t.Error("a dry run has added a camera")
	}
	apply(exitOK, []string{"+ garden", "1 camera changed"})
	apply(exitOK, []string{"Nothing to change."})
	if output := mustRun(t, "apply", "--print", "--store", path); strings.Contains(output, "s3cret") || !strings.Contains(output, "admin") {
		t.Errorf("printed %s", output)
	}

	write("[cameras.driveway]\nurl = 'rtsp://192.0.2.9/'\nretain = '20kB'\nretain-for = '36000d'\n" + garden)
	apply(exitOK, []string{"~ driveway: main quota: 1.1 TB → 20 kB", "~ driveway: main limit in time: none → 36,000 days"}, "--dry-run")
	apply(exitUsage, []string{"6 recordings, 30 kB", "--yes"})
	if c := storedCamera(t, path); c.Streams[0].RetainBytes != teststore.PlentyBytes {
		t.Errorf("the camera is %+v", c)
	}
	apply(exitOK, []string{"1 camera changed"}, "--yes")

	write(garden)
	apply(exitUsage, []string{"- driveway: no longer recorded", "driveway is not in the file", "--yes"})
	apply(exitOK, []string{"1 camera changed"}, "--yes")
	apply(exitOK, []string{"Nothing to change."})
	if c := storedCamera(t, path); !c.Retired || recordings(t, path, 1) != 10 {
		t.Errorf("the camera is %+v, with %d recordings", c, recordings(t, path, 1))
	}
	for text, want := range map[string]string{
		"[cameras.x]\nurl = 'rtsp://192.0.2.2/1'\nretain = '800'\n":                            "the unit is missing",
		"[cameras.x]\nurl = 'rtsp://a:b@192.0.2.2/1'\nretain = '8GB'\n":                        "password-file",
		"[cameras.x]\nurl = 'rtsp://192.0.2.2/1'\nretain = '8GB'\nretian-for = '1d'\n":         `line 9: unknown key cameras.x.retian-for`,
		"[cameras.x]\nurl = 'rtsp://192.0.2.2/1'\nretain = '8GB'\npassword-env = 'MFS_NONE'\n": "is not set",
		"[cameras.x]\nretain = '8GB'\n":                                                        "url and retain",
		"[cameras.'../x']\nurl = 'rtsp://192.0.2.2/1'\nretain = '8GB'\n":                       "must not contain",
		"[cameras.x\n": "line 6",
		"[cameras.x]\nurl = 'rtsp://192.0.2.2/1'\nretain = 800\n":                                              "text is in quotes",
		"[[cameras.x]]\nurl = 'rtsp://192.0.2.2/1'\nretain = '8GB'\n":                                          "[cameras.NAME]",
		"[cameras.Garden]\nurl = 'rtsp://192.0.2.2/1'\nretain = '8GB'\n":                                       "nothing but case",
		"[cameras.y]\nurl = 'rtsp://192.0.2.2/1'\nretain = '8GB'\nusername = 'u'\npassword-file = '/dev/null'": "is empty",
		"[cameras.x]\nurl = 'rtsp://192.0.2.2/1'\nretain = '8GB'\nsub-retain = '1GB'\n":                        "has no sub stream",
	} {
		write(garden + text)
		if output, status := run(t, "apply", file, "--store", path); status == exitOK || !strings.Contains(output, want) {
			t.Errorf("%s: status %d, %q in %s", text, status, want, output)
		}
	}
	for text, want := range map[string]string{
		"":                         "no camera", // whatever writes it has failed
		strings.Repeat("#", 5<<20): "more than",
	} {
		write(text)
		apply(exitFailure, []string{want}, "--yes")
	}
	write("\uFEFF" + strings.ReplaceAll(garden, "\n", "\r\n"))
	apply(exitOK, []string{"Nothing to change."})
}
