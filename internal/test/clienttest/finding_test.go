// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bytes"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// finders is what programs make of files that help to find footage.
var finders = &table{name: "Programs and what helps to find footage", properties: []string{"sheet (13.jpg)", "13.vtt", "clip of an event", "events.json"}}

// find is a recorder with previews, and an event.
type find struct {
	*server
	// clip is the file of the event, dir the folder of its date.
	clip movie
	dir  string
}

func newFind(t *testing.T) *find {
	t.Helper()
	store := filepath.Join(tempDir(t), "store")
	if err := teststore.Create(t.Context(), store, timeZone, teststore.Camera{Name: "driveway", RetainBytes: 1 << 40}); err != nil {
		t.Fatal(err)
	}
	take := teststore.Take{Folder: "driveway", Start: local(20, 13, 0, 0), Recordings: 2, Seconds: 60, Media: mustMedia(t, mainMedia)}
	writer := open(t, store)
	if err := writer.Record(t.Context(), take); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	add := exec.Command(binary, "event", "add", "driveway", "person", "--from", "2026-11-20 13:00:30", "--to", "+8s", "--store", store)
	if output, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	mountpoint := newMountpoint(t)
	args := append([]string{"run", mountpoint, "--store", store, "--allow-other", "--previews", "all"}, viewerFlags()...)
	f := &find{server: serve(t, mountpoint, exec.Command(binary, args...)), dir: "driveway/2026-11-20/"}
	f.saw("msg=recording")
	within := interval{local(20, 13, 0, 25), local(20, 13, 0, 43)}
	f.clip = movie{path: "driveway/events/2026-11-20/13.00.30 person.mp4", takes: []teststore.Take{take}, clip: &within}
	wait.Until(t, "pictures of both minutes", func() bool {
		text, err := os.ReadFile(f.path(f.dir + "13.vtt"))
		return err == nil && bytes.Count(text, []byte("-->")) == 2
	})
	return f
}

// TestFinding ensures that programs show sheets, texts for players and clips of events, or fetch them.
func TestFinding(t *testing.T) {
	t.Parallel()
	f := newFind(t)
	t.Run("Chromium", func(t *testing.T) { f.inChromium(t) })
	t.Run("smbclient", func(t *testing.T) { f.overSamba(t) })
	t.Run("VLC", func(t *testing.T) {
		v := &vlc{newViewer(t)}
		finders.check(t, v.name(t), "sheet (13.jpg)", func(t *testing.T) {
			if output, ok := v.try("cvlc", "-vv", "--no-audio", "--intf", "dummy", "--vout", "dummy", "--play-and-exit", "--image-duration=1", f.path(f.dir+"13.jpg")); !ok || !strings.Contains(output, "3840x900") {
				t.Errorf("VLC does not show the sheet: %s", output)
			}
		})
		finders.check(t, v.name(t), "clip of an event", func(t *testing.T) { v.play(t, f.path(f.clip.path), &f.clip) })
	})
	if !*full {
		return
	}
	t.Run("mpv", func(t *testing.T) {
		v := &mpv{newViewer(t)}
		finders.check(t, v.name(t), "clip of an event", func(t *testing.T) { v.play(t, f.path(f.clip.path), &f.clip) })
		finders.check(t, v.name(t), "sheet (13.jpg)", func(t *testing.T) {
			if output, ok := v.try("mpv", "--no-config", "--vo=null", "--ao=null", "--image-display-duration=0.1", f.path(f.dir+"13.jpg")); !ok || !strings.Contains(output, "3840x900") {
				t.Errorf("mpv does not show the sheet: %s", output)
			}
		})
	})
	t.Run("a thumbnailer", func(t *testing.T) {
		v := newViewer(t)
		name := "ffmpegthumbnailer " + debianVersion(t, "ffmpegthumbnailer")
		for property, path := range map[string]string{"clip of an event": f.clip.path, "sheet (13.jpg)": f.dir + "13.jpg"} {
			finders.check(t, name, property, func(t *testing.T) {
				made := filepath.Join(v.home, filepath.Base(path)+".png")
				// It has more to say than errors.
				if output, ok := v.try("ffmpegthumbnailer", "-q", "10", "-s", "256", "-i", f.path(path), "-o", made); !ok {
					t.Fatalf("ffmpegthumbnailer: %s", output)
				}
				if colours := countColours(t, made); colours < 5 {
					t.Errorf("the thumbnail of %s has %d colours", path, colours)
				}
			})
		}
	})
}

// overSamba ensures that what is not listed can be fetched by name, with the same bytes.
func (f *find) overSamba(t *testing.T) {
	share := startSamba(t, f.mountpoint)
	name := "smbclient, Samba " + debianVersion(t, "samba")
	for property, path := range map[string]string{
		"sheet (13.jpg)": f.dir + "13.jpg", "13.vtt": f.dir + "13.vtt", "events.json": f.dir + "events.json", "clip of an event": f.clip.path,
	} {
		finders.check(t, name, property, func(t *testing.T) {
			fetched := filepath.Join(share.home, "fetched")
			share.do(t, `get "`+strings.ReplaceAll(path, "/", `\`)+`" "`+fetched+`"`)
			want, err := os.ReadFile(f.path(path))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(fetched); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes of %d, %v", path, len(got), len(want), err)
			}
		})
	}
}

// inChromium ensures that a page can use them, from a web server.
func (f *find) inChromium(t *testing.T) {
	b := newBrowser(t)
	root := startNginx(t, f.mountpoint) + "/"
	b.do(chromedp.Navigate(root + f.dir + "index.html"))
	name := "Chromium " + debianVersion(t, "chromium")
	name, _, _ = strings.Cut(name, ".")
	page := func(script string) string { return `(() => {` + script + `; return true; })()` }
	finders.check(t, name, "sheet (13.jpg)", func(t *testing.T) {
		eval[any](b, page(`window.sheet = new Image(); sheet.src = "13.jpg"`))
		b.until("the sheet", `sheet.complete && sheet.naturalWidth === 3840 && sheet.naturalHeight === 900`)
		data, err := os.ReadFile(f.path(f.dir + "13.jpg"))
		if err == nil {
			_, err = jpeg.Decode(bytes.NewReader(data))
		}
		if err != nil {
			t.Error(err)
		}
	})
	finders.check(t, name, "13.vtt", func(*testing.T) {
		eval[any](b, page(`window.track = document.createElement("track"); track.src = "13.vtt"; track.kind = "metadata"; track.default = true; document.querySelector("video").append(track); track.track.mode = "hidden"`))
		b.until("its cues", `track.readyState === 2 && track.track.cues.length === 2 && track.track.cues[1].text === "13.jpg#xywh=320,0,320,180"`)
	})
	finders.check(t, name, "clip of an event", func(*testing.T) {
		eval[any](b, page(`window.clip = document.createElement("video"); clip.muted = true; clip.src = "../events/2026-11-20/13.00.30%20person.mp4"`))
		b.until("the clip", `clip.readyState >= 1 && Math.abs(clip.duration - 18) < 0.3`)
	})
	if *screenshots != "" {
		b.keep("events")
		b.do(chromedp.Navigate("file://" + f.path("index.html")))
		b.keep("root-events")
	}
	finders.check(t, name, "events.json", func(*testing.T) {
		b.do(chromedp.Navigate(root + f.dir + "events.json"))
		b.until("the event", `JSON.parse(document.body.textContent)[0].label === "person"`)
	})
}
