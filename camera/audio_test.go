// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
)

var aacSound = sync.OnceValues(func() (*testcamera.Audio, error) {
	return testcamera.EncodeAudio(context.Background(), testcamera.AAC, 0, 5)
})

// readAudio reads frames until n samples of audio have come with them, and returns
// those by their time stamps.
func readAudio(t *testing.T, session *Session, n int) (audio []AudioFrame) {
	t.Helper()
	for len(audio) < n {
		frame, err := session.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range frame.Audio {
			a.Offset90k += moonfirefs.Duration90k(frame.PTS90k)
			audio = append(audio, a)
		}
	}
	return audio
}

// TestAudio ensures that audio comes as it was sent, each sample once, with the
// distances of its time stamps, and only where it is wanted.
func TestAudio(t *testing.T) {
	sound, err := aacSound()
	if err != nil {
		t.Fatal(err)
	}
	camera := startCamera(t, testcamera.Config{Audio: sound, Reports: true})
	// Where the camera or the session is starved, reports come after the usual delay: the first
	// audio would be placed by when it arrived, and moved when they come.
	audio := readAudio(t, openSession(t, Config{URL: camera.URL(), Audio: true, AudioDelay: time.Hour}), 100)
	sent := camera.SentAudio()
	first := 0
	for first < len(sent) && !bytes.Equal(sent[first].Data, audio[0].Data) {
		first++
	}
	if len(sent) < first+len(audio) {
		t.Fatalf("%d samples came, %d were sent, from the %d-th on", len(audio), len(sent), first)
	}
	entry := audio[0].Entry
	if entry.RFC6381Codec != "mp4a.40.2" || entry.SampleRate != 16000 || entry.Channels != 1 || entry.FrameSamples != 1024 {
		t.Errorf("the configuration is %+v", entry)
	}
	for i, a := range audio {
		if !bytes.Equal(a.Data, sent[first+i].Data) || a.Entry != entry || a.Duration90k != 5760 {
			t.Fatalf("sample %d is not the one that was sent", i)
		}
		// Where sender reports jitter, it may be moved.
		if off := a.Offset90k - audio[0].Offset90k - moonfirefs.Duration90k(i)*5760; off > 3600 || off < -3600 {
			t.Fatalf("sample %d is %v out of place", i, off)
		}
	}
	for _, frame := range read(t, openSession(t, Config{URL: camera.URL()}), 30) {
		if frame.Audio != nil {
			t.Fatal("audio that nobody asked for")
		}
	}
}

// TestAudioOfLongDescription ensures that audio is found behind thousands of bytes of
// a session description.
func TestAudioOfLongDescription(t *testing.T) {
	sound, err := aacSound()
	if err != nil {
		t.Fatal(err)
	}
	camera := startCamera(t, testcamera.Config{Audio: sound, Title: strings.Repeat("long ", 2000)})
	session := openSession(t, Config{URL: camera.URL()})
	if audio := session.Description().Audio; len(audio) != 1 || !strings.HasPrefix(strings.ToUpper(audio[0]), "MPEG4-GENERIC/16000") {
		t.Errorf("the camera has audio %q", audio)
	}
}

// TestAudioAlone ensures that a camera which does not play video beside audio is recorded
// without audio, and one that plays neither is asked for both again.
func TestAudioAlone(t *testing.T) {
	audio, err := aacSound()
	if err != nil {
		t.Fatal(err)
	}
	camera := startCamera(t, testcamera.Config{Audio: audio})
	// A camera that hangs up when it is to play both, or, if it is broken, anything.
	var setups atomic.Int32
	var broken atomic.Bool
	url := "rtsp://" + cameratest.Listen(t, func(conn net.Conn) {
		behind, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(camera.URL(), "rtsp://"), testcamera.Path))
		if err != nil {
			t.Error(err)
			return
		}
		defer behind.Close()
		go func() { _, _ = io.Copy(conn, behind) }()
		setups.Store(0)
		requests := bufio.NewScanner(conn)
		for requests.Scan() {
			line := requests.Text()
			if strings.HasPrefix(line, "SETUP") {
				setups.Add(1)
			}
			if strings.HasPrefix(line, "PLAY") && (setups.Load() == 2 || broken.Load()) {
				return
			}
			if _, err := io.WriteString(behind, line+"\r\n"); err != nil {
				return
			}
		}
	}) + testcamera.Path
	tests := map[string]struct {
		broken bool
		setups []int32 // of each session
	}{
		"not both": {false, []int32{2, 1, 1, 1}},
		"neither":  {true, []int32{2, 1, 2, 1}},
	}
	for name, test := range tests {
		broken.Store(test.broken)
		var habits Habits
		for n, want := range test.setups {
			session, err := Open(t.Context(), Config{URL: url, Audio: true, Habits: &habits})
			if err == nil {
				read(t, session, 5)
				session.Close()
			}
			if got := setups.Load(); got != want || (err == nil) != (want == 1 && !test.broken) {
				t.Errorf("%s, session %d: %d streams were set up, want %d; %v", name, n, got, want, err)
			}
		}
	}
}

// TestAudioRates ensures that no audio is recorded whose samples would last for
// minutes, or of which a second would have thousands.
func TestAudioRates(t *testing.T) {
	for _, rate := range []int{1, 3999, 1 << 16} {
		if _, err := g711SampleEntry("alaw", rate, 1); err == nil {
			t.Errorf("G.711 at %d Hz", rate)
		}
	}
	for _, rate := range []uint32{1, 3999, 192_001, 1<<24 - 1} {
		// Object type 2, an explicit rate, one channel (ISO 14496-3 §1.6.2.1).
		config := binary.BigEndian.AppendUint64(nil, 2<<59|15<<55|uint64(rate)<<31|1<<27)
		if _, err := aacSampleEntry(config); err == nil {
			t.Errorf("AAC at %d Hz", rate)
		}
	}
	if _, err := aacSampleEntry(binary.BigEndian.AppendUint64(nil, 2<<59|15<<55|16000<<31|1<<27)); err != nil {
		t.Error(err)
	}
}

// TestAlignment ensures how time stamps of audio are mapped to those of the video.
func TestAlignment(t *testing.T) {
	start := clockOrigin.Add(time.Hour)
	at := start.Add
	arrive := func(a *alignment) {
		for i := range 100 {
			moment := time.Duration(i) * 40 * time.Millisecond
			jitter := time.Duration(i*7%13) * 10 * time.Millisecond
			a.video.observe(int64(i)*3600+1000, at(moment+jitter))
			a.audio.observe(int64(i)*3600+500_000, at(moment+jitter))
		}
	}
	tests := map[string]struct {
		report func(*alignment)
		want   int64
	}{
		"by arrival":     {func(*alignment) {}, 1000 - 500_000},
		"by reports":     {func(a *alignment) { a.video.report(7000, 1000); a.audio.report(7900, 500_000) }, 1900 - 500_000},
		"one report":     {func(a *alignment) { a.video.report(7000, 1000) }, 1000 - 500_000},
		"absurd reports": {func(a *alignment) { a.video.report(0, 1000); a.audio.report(1<<50, 500_000) }, 1000 - 500_000},
	}
	for name, test := range tests {
		var a alignment
		arrive(&a)
		test.report(&a)
		if a.update(); !a.isKnown || a.offset90k != test.want {
			t.Errorf("%s: %d, want %d", name, a.offset90k, test.want)
		}
		a.audio.report(0, 0)
		a.video.report(-test.want-1000, 0)
		if change90k := a.update(); change90k != 0 {
			t.Errorf("%s: moved by %d", name, change90k)
		}
	}
}
