// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// chromium is the browser without a window. Its pages lie on disk, and tell what
// they found by a POST request to loopback.
type chromium struct{ *viewer }

func (*chromium) name(t *testing.T) string {
	version, _, _ := strings.Cut(debianVersion(t, "chromium"), ".")
	return "Chromium " + version
}

// chromiumFlags keep the browser from everything but its page.
var chromiumFlags = []string{
	"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
	"--disable-background-networking", "--disable-component-update", "--disable-sync",
	"--allow-file-access-from-files", "--autoplay-policy=no-user-gesture-required",
}

// open shows a page until it reports to the address that it is made with.
func (c *chromium) open(t *testing.T, page func(address string) string) string {
	t.Helper()
	reports := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) == 0 {
			return
		}
		select {
		case reports <- string(body):
		default: // a second one is of no interest
		}
	}))
	defer server.Close()
	dir, err := os.MkdirTemp(c.home, "page")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "page.html")
	if err := os.WriteFile(path, []byte(page(server.URL)), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := c.command("chromium", append(chromiumFlags, "--user-data-dir="+filepath.Join(dir, "profile"), "file://"+path)...)
	cmd.SysProcAttr = orNew(cmd.SysProcAttr)
	cmd.SysProcAttr.Setpgid = true // it has many helpers
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = wait.Limit
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	report := ""
	select {
	case report = <-reports:
	case <-time.After(wait.Limit):
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait() // it was killed
	if report == "" {
		t.Fatalf("Chromium does not report; it printed:\n%s", &output)
	}
	return report
}

func orNew(attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	if attr == nil {
		return &syscall.SysProcAttr{}
	}
	return attr
}

// videoPage seeks to some places and reports what the video shows there.
const videoPage = `<!DOCTYPE html><video id="video" muted></video><script>
const places = %s, found = {pictures: []};
const video = document.getElementById("video");
function report() { fetch("%s/", {method: "POST", mode: "no-cors", body: JSON.stringify(found)}); }
function next() { if (found.pictures.length < places.length) seek(places[found.pictures.length]); else report(); }
function seek(place) {
  // The seek may be over before the picture has changed.
  const seeked = new Promise(resolve => video.addEventListener("seeked", resolve, {once: true}));
  const painted = new Promise(resolve => place.changes ? video.requestVideoFrameCallback(resolve) : setTimeout(resolve, 200));
  Promise.all([seeked, painted]).then(draw);
  video.currentTime = place.seconds;
}
function draw() {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  found.pictures.push(canvas.toDataURL("image/png"));
  next();
}
video.onerror = () => { found.error = video.error.code + " " + video.error.message; report(); };
video.requestVideoFrameCallback(() => { found.duration = video.duration; next(); });
video.src = "file://%s";
</script>`

// found is what videoPage reports.
type found struct {
	Error    string
	Duration float64
	Pictures []string
}

// place is where videoPage seeks to.
type place struct {
	Seconds float64 `json:"seconds"`
	// Changes says that the picture there is another than before the seek.
	Changes bool `json:"changes"`
}

// soundPage decodes the sound of a file as a whole, and reports how much there is.
const soundPage = `<!DOCTYPE html><script>
function report(found) { fetch("%s/", {method: "POST", mode: "no-cors", body: JSON.stringify(found)}); }
const request = new XMLHttpRequest();
request.open("GET", "file://%s");
request.responseType = "arraybuffer";
request.onerror = () => report({error: "the file cannot be read"});
request.onload = () => new OfflineAudioContext(1, 1, %d).decodeAudioData(request.response)
  .then(sound => report({samples: sound.length}), error => report({error: String(error)}));
request.send();
</script>`

func (c *chromium) hear(t *testing.T, path string, m *movie) {
	report := c.open(t, func(address string) string { return fmt.Sprintf(soundPage, address, path, teststore.AudioRate) })
	var found struct {
		Error   string
		Samples int
	}
	if err := json.Unmarshal([]byte(report), &found); err != nil || found.Error != "" {
		t.Fatalf("the page reports %q: %v", report, err)
	}
	sameSound(t, m, found.Samples)
}

func (c *chromium) look(t *testing.T, path string, m *movie, positions []time.Duration) (f found) {
	t.Helper()
	places := []place{}
	before := m.counterAt(0)
	for _, position := range positions {
		counter := m.counterAt(position)
		// Within the picture: where one begins exactly is a matter of rounding.
		places = append(places, place{(position + time.Second/(2*fps)).Seconds(), counter != before})
		before = counter
	}
	list, err := json.Marshal(places)
	if err != nil {
		t.Fatal(err)
	}
	report := c.open(t, func(address string) string { return fmt.Sprintf(videoPage, list, address, path) })
	if err := json.Unmarshal([]byte(report), &f); err != nil {
		t.Fatalf("the page reports %q: %v", report, err)
	}
	return f
}

// play does not wait for the video to play: it looks at the first picture, at
// every tenth of the video, and at the last picture.
func (c *chromium) play(t *testing.T, path string, m *movie) {
	var places []time.Duration
	for i := range time.Duration(11) {
		places = append(places, min(m.duration()*i/10, m.duration()-time.Second/fps).Truncate(time.Second/fps))
	}
	f := c.look(t, path, m, places)
	if strings.Contains(f.Error, "NO_SUPPORTED_STREAMS") {
		players.except(c.name(t), "H.265", "Debian's Chromium has no decoder for H.265 (it needs one in hardware). The video element reports an error; nothing is shown wrong.")
		return
	}
	c.compare(t, m, places, &f)
}

func (c *chromium) compare(t *testing.T, m *movie, places []time.Duration, f *found) {
	t.Helper()
	if f.Error != "" || len(f.Pictures) != len(places) {
		t.Fatalf("%s: Chromium shows %d pictures of %d: %s", m.path, len(f.Pictures), len(places), f.Error)
	}
	sameDuration(t, m, "the video", f.Duration)
	for i, place := range places {
		_, encoded, _ := strings.Cut(f.Pictures[i], ",")
		near(t, m, place, readPicture(t, base64.NewDecoder(base64.StdEncoding, strings.NewReader(encoded))), 0)
	}
}

func (c *chromium) seek(t *testing.T, path string, m *movie) {
	places := seekPositions(m)
	f := c.look(t, path, m, places)
	c.compare(t, m, places, &f)
}
