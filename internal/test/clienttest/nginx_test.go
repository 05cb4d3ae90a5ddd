// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestNginx ensures that footage can be had by HTTP: whole, and in the ranges that players
// ask for. Of an hour that has grown meanwhile, whoever asks for the rest of what it was
// gets the whole of what it is (If-Range), and never a mixture.
func TestNginx(t *testing.T) {
	t.Parallel()
	name := "nginx " + debianVersion(t, "nginx")
	g := newGrowing(t, mustMedia(t, mainMedia), 1000)
	g.record(3)
	m := mount(t, g.path)
	address := startNginx(t, m.mountpoint)
	const path = "yard/2026-11-22/13.mp4"
	want, err := os.ReadFile(m.path(path))
	if err != nil {
		t.Fatal(err)
	}
	size := len(want)
	whole, tag := httpGet(t, address+"/"+path, http.StatusOK, nil)
	copiers.check(t, name, "same bytes", func(t *testing.T) {
		if !bytes.Equal(whole, want) {
			t.Error("the whole file differs")
		}
		for _, r := range []struct{ from, to int }{{0, 0}, {0, 4095}, {1, size / 2}, {size / 3, size - 1}, {size - 1, size - 1}} {
			got, _ := httpGet(t, address+"/"+path, http.StatusPartialContent, map[string]string{"Range": fmt.Sprintf("bytes=%d-%d", r.from, r.to)})
			if !bytes.Equal(got, want[r.from:r.to+1]) {
				t.Errorf("bytes %d to %d differ", r.from, r.to)
			}
		}
		httpGet(t, address+"/"+path, http.StatusRequestedRangeNotSatisfiable, map[string]string{"Range": fmt.Sprintf("bytes=%d-", size)})
	})
	copiers.check(t, name, "growing hour", func(t *testing.T) {
		rest := map[string]string{"Range": fmt.Sprintf("bytes=%d-", size/2), "If-Range": tag}
		if got, _ := httpGet(t, address+"/"+path, http.StatusPartialContent, rest); !bytes.Equal(got, want[size/2:]) {
			t.Error("the rest differs")
		}
		g.record(1)
		wait.Until(t, "the hour to grow", func() bool { return statSize(t, m.path(path)) > int64(size) })
		got, grown := httpGet(t, address+"/"+path, http.StatusOK, rest)
		if now, err := os.ReadFile(m.path(path)); err != nil || !bytes.Equal(got, now) || grown == tag {
			t.Errorf("%d bytes with tag %s, before %s (%v)", len(got), grown, tag, err)
		}
	})
	copiers.check(t, name, "write refused", func(t *testing.T) {
		for _, method := range []string{http.MethodPut, http.MethodDelete} {
			request, err := http.NewRequestWithContext(t.Context(), method, address+"/"+path, strings.NewReader("new"))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			if answer.Body.Close(); answer.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s: %s", method, answer.Status)
			}
		}
	})
}

// httpGet requires a status, and returns what comes and its entity tag.
func httpGet(t *testing.T, address string, status int, header map[string]string) (body []byte, tag string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err = io.ReadAll(answer.Body); err != nil || answer.StatusCode != status {
		t.Fatalf("%s %v: %s, want %d (%v)", address, header, answer.Status, status, err)
	}
	return body, answer.Header.Get("ETag")
}
