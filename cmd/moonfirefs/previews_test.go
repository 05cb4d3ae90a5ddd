// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestPreviews ensures that a recorder that is told to makes sheets of what there is, which
// have their exact size, are not listed, and are the same in a mount without a recorder; and
// that there are none where nobody wants them.
func TestPreviews(t *testing.T) {
	t.Parallel()
	path, mountpoint := longStore(t, 1, smallFootage(t, 320)), newMountpoint(t)
	date := filepath.Join(mountpoint, "yard", "2026-11-22")
	sheet, text := filepath.Join(date, "12.jpg"), filepath.Join(date, "12.vtt")

	plain := start(t, "run", mountpoint, "--store", path)
	plain.saw("msg=recording")
	if _, err := os.Stat(sheet); !os.IsNotExist(err) {
		t.Errorf("a sheet that nobody wants: %v", err)
	}
	plain.stop()
	if _, err := os.Stat(filepath.Join(path, "previews.db")); !os.IsNotExist(err) {
		t.Errorf("a database that nobody wants: %v", err)
	}

	run := start(t, "run", mountpoint, "--store", path, "--previews", "all")
	run.saw("msg=recording")
	wait.Until(t, "the sheet has all minutes", func() bool {
		data, err := os.ReadFile(text)
		return err == nil && strings.Count(string(data), "12.jpg#xywh=") == 60
	})
	want, size, err := readWhole(sheet)
	mustDo(t, err)
	if picture, err := jpeg.Decode(bytes.NewReader(want)); err != nil || picture.Bounds().Dx() != 3840 || int64(len(want)) != size {
		t.Errorf("a sheet of %d bytes, stat says %d: %v", len(want), size, err)
	}
	listed, err := os.ReadDir(date)
	mustDo(t, err)
	if len(listed) != 2 { // the hour and the page of the date
		t.Errorf("%v is listed", listed)
	}
	run.stop()

	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	if got, _, err := readWhole(sheet); err != nil || !bytes.Equal(got, want) {
		t.Errorf("without a recorder, the sheet is another one: %v", err)
	}
	mount.stop()
}

// TestPreviewsOfOtherCodecs ensures that there are pictures of cameras that send neither H.264
// nor H.265.
func TestPreviewsOfOtherCodecs(t *testing.T) {
	t.Parallel()
	path, mountpoint := newStore(t), newMountpoint(t)
	codecs := []testcamera.Codec{testcamera.AV1, testcamera.MJPEG}
	for _, codec := range codecs {
		source, err := testcamera.Encode(t.Context(), testcamera.Params{Codec: codec, Width: 320, Height: 176}, 60)
		mustDo(t, err)
		camera := startCamera(t, testcamera.Config{Source: source})
		mustRun(t, "camera", "add", "--store", path, string(codec), camera.URL(), "--retain", "1GB")
	}
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "2s", "--previews", "all")
	for _, codec := range codecs {
		wait.Until(t, string(codec)+" has a picture with the camera's counter", func() bool {
			f, err := os.Open(filepath.Join(mountpoint, string(codec), "latest.jpg"))
			if err != nil {
				return false
			}
			defer f.Close()
			picture, err := jpeg.Decode(f)
			if err != nil {
				return false
			}
			_, ok := testcamera.ReadCounter(picture)
			return ok
		})
	}
	recorder.stop()
	if output := recorder.output.String(); strings.Contains(output, "swscaler") {
		t.Error(output)
	}
}
