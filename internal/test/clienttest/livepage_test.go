// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// startNginx serves a mount as examples/nginx.conf says, at a port of its own, and returns
// its address.
func startNginx(t *testing.T, mountpoint string) string {
	t.Helper()
	example, err := os.ReadFile("../../../examples/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	dir, port := tempDir(t), freePort(t)
	site := strings.NewReplacer("listen 8080", "listen 127.0.0.1:"+port, "root /mnt/nvr", "root "+mountpoint).Replace(string(example))
	conf := filepath.Join(dir, "nginx.conf")
	text := "daemon off;\nmaster_process off;\nerror_log stderr;\npid " + dir + "/pid;\nevents {}\nhttp {\naccess_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		text += kind + "_temp_path " + filepath.Join(dir, kind) + ";\n"
	}
	if err := os.WriteFile(conf, []byte(text+site+"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("nginx", "-c", conf, "-e", "stderr")
	var output syncbuffer.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("nginx printed:\n%s", &output)
		}
	})
	address := "http://127.0.0.1:" + port
	wait.Until(t, "nginx to answer", func() bool {
		answer, err := http.Get(address + "/index.html")
		return err == nil && answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	})
	return address
}

// frame shows the live page in a frame, and reports a picture once it has played for a
// while.
const frame = `<!DOCTYPE html><iframe src="/porch0/live/" width="800" height="700"></iframe><script>
const frame = document.querySelector("iframe");
let began = 0;
setInterval(() => {
  const video = frame.contentDocument.querySelector("video");
  if (!video || !video.videoWidth) return;
  began = began || video.currentTime;
  if (video.currentTime < began + 2) return;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let grey = "";
  for (let i = 0; i < pixels.length; i += 4) grey += String.fromCharCode(pixels[i + 1]);
  fetch("/report", {method: "POST", body: JSON.stringify({width: canvas.width, grey: btoa(grey), note: frame.contentDocument.getElementById("note").textContent})});
}, 200);
</script>`

// shown is what the frame reports.
type shown struct {
	Width      int
	Grey, Note string
}

// TestLivePage ensures that Chromium plays what a camera sends in the page that is beside
// the playlist, behind nginx, under the page's own policy.
func TestLivePage(t *testing.T) {
	t.Parallel()
	cameras, s := recordCameras(t, 1)
	w := cameras[0]
	wait.Until(t, "the playlist", func() bool {
		_, err := os.Stat(filepath.Join(w.folder, "live", "live.m3u8"))
		return err == nil
	})
	target, err := url.Parse(startNginx(t, s.mountpoint))
	if err != nil {
		t.Fatal(err)
	}
	// The frame must come from where the page does, to look into it.
	proxy, reports := httputil.NewSingleHostReverseProxy(target), make(chan shown, 1)
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/frame":
			_, _ = io.WriteString(out, frame)
		case "/report":
			var report shown
			if err := json.NewDecoder(r.Body).Decode(&report); err == nil {
				select {
				case reports <- report:
				default: // a second one is of no interest
				}
			}
		default:
			proxy.ServeHTTP(out, r)
		}
	}))
	defer server.Close()
	viewer := newViewer(t)
	cmd := viewer.command("chromium", append(chromiumFlags, "--user-data-dir="+filepath.Join(viewer.home, "profile"), server.URL+"/frame")...)
	cmd.SysProcAttr = orNew(cmd.SysProcAttr)
	cmd.SysProcAttr.Setpgid = true // it has many helpers
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	report, ok := wait.Receive(reports)
	at := time.Now()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait() // it was killed
	if !ok {
		t.Fatal("Chromium does not play the live page")
	}
	picture, err := base64.StdEncoding.DecodeString(report.Grey)
	if err != nil || report.Width != delayWidth {
		t.Fatalf("a picture of %d pixels: %v", report.Width, err)
	}
	t.Logf("Chromium shows a picture %v after it was sent", w.delayOf(t, picture, at))
	s.stop()
}
