// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/pages"
)

var pagePaths = [][2]string{
	{"", pages.HTMLName}, {"", pages.JSONName},
	{"driveway", pages.HTMLName}, {"driveway", pages.JSONName}, {"driveway-sub", pages.HTMLName}, {"driveway-sub", pages.JSONName},
}

// Ensures that the sizes of pages are exact, that they are the same in two mounts
// and after a restart, and that they need no sample file: there is none here.
func TestPagesInMount(t *testing.T) {
	path, f := newBrokenStore(t)
	main, sub, err := f.InsertVariety(t.Context(), "driveway", "driveway-sub")
	if err != nil {
		t.Fatal(err)
	}
	look := func(s *server) (all string) {
		for _, page := range pagePaths {
			name := s.path(page[0], page[1])
			st := stat(t, name)
			data := mustRead(t, name)
			if int64(len(data)) != st.Size || len(data) == 0 {
				t.Errorf("%s has %d bytes, stat says %d", page, len(data), st.Size)
			}
			end := main[len(main)-1].End90k()
			if page[0] == "driveway-sub" {
				end = sub[len(sub)-1].End90k()
			}
			checkAttributes(t, name, 0o100400, end, make(map[uint64]string))
			all += fmt.Sprintf("%s %d %x\n", page, st.Ino, data)
		}
		return all
	}
	s := startServer(t, serveOptions{Store: path, Timestamps: true})
	first, second := look(s), look(startServer(t, serveOptions{Store: path, Timestamps: true}))
	s.stop()
	if third := look(startServer(t, serveOptions{Store: path, Timestamps: true})); first != second || first != third {
		t.Error("the pages differ between mounts")
	}
}

// Ensures that a page moves on with a commit, and that a handle keeps the page
// that it opened.
func TestPageGrowth(t *testing.T) {
	bothWays(t, unlimited, func(t *testing.T, _ string, s *server, record func(take)) {
		start := at(t, "2026-11-22T13:00:00-05:00")
		record(take{Start90k: start, Count: 2, Seconds: 10})
		for _, name := range []string{"index.html", "index.json", "driveway/index.html", "driveway/index.json"} {
			path := s.path(name)
			before, want, old := stat(t, path), mustRead(t, path), mustOpen(t, path)
			start = start.Add(seconds(100))
			record(take{Start90k: start, Count: 1, Seconds: 10})
			wait.Until(t, name+" has moved on", func() bool { return stat(t, path).Ino != before.Ino })
			if now := mustRead(t, path); bytes.Equal(now, want) || int64(len(now)) != stat(t, path).Size {
				t.Errorf("%s has %d bytes, stat says %d", name, len(now), stat(t, path).Size)
			}
			kept, err := io.ReadAll(old)
			if diff := cmp.Diff(string(want), string(kept)); diff != "" || err != nil {
				t.Errorf("%s was -read when it was new +from the old handle (%v):\n%s", name, err, diff)
			}
		}
	})
}

// Ensures that nothing secret is in a page, and that pages are no way to put
// anything into a browser.
func TestPagesKeepSecrets(t *testing.T) {
	path, f := newBrokenStore(t)
	err := f.DB.AddCamera(t.Context(), &moonfirefs.Camera{
		UUID: uuid.New(), ShortName: "x & 'y' #1 100%25 Küche", Description: `"><script>alert(1)</script><img src=x onerror=alert(2)>`,
		Username: "s3cret-user", Password: "s3cret-password",
		Streams: []moonfirefs.Stream{{
			Kind: moonfirefs.MainStream, SampleDir: 1, URL: "rtsp://192.0.2.77/s3cret-path", Transport: moonfirefs.TCP, RetainBytes: unlimited,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, serveOptions{Store: path})
	out, err := exec.Command("grep", "-rliE", "s3cret|192\\.0\\.2|rtsp:", s.mountpoint).CombinedOutput()
	if len(out) > 0 || err == nil {
		t.Errorf("secrets are in %s: %v", out, err)
	}
	for _, page := range []string{"index.html", "x & 'y' #1 100%25 Küche/index.html"} {
		if text := string(mustRead(t, s.path(page))); strings.Contains(text, "<script>alert") || strings.Contains(text, "<img") ||
			!strings.Contains(text, "&lt;script&gt;") || !strings.Contains(text, "x &amp; &#39;y&#39; #1 100%25 Küche") {
			t.Errorf("%s is not escaped:\n%s", page, text)
		}
	}
}

func addRows(t testing.TB, f *fixture, r teststore.Rows) {
	t.Helper()
	if _, err := f.InsertRows(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}
