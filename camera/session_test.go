// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// speed is how much faster than real cameras the ones in these tests are.
const speed = 8

// media are what most cameras in these tests play: three seconds, a key frame each
// second.
var media = sync.OnceValues(func() (*testcamera.Media, error) {
	return testcamera.Encode(context.Background(), testcamera.Params{}, 45)
})

// hevcMedia is the same in H.265, but larger, so that access units need several
// RTP packets.
var hevcMedia = sync.OnceValues(func() (*testcamera.Media, error) {
	return testcamera.Encode(context.Background(), testcamera.Params{Codec: testcamera.H265, Width: 642, Height: 362, BitrateKbps: 3000}, 45)
})

// startCamera starts a camera that plays media, unless the configuration says
// otherwise, and closes it when the test ends.
func startCamera(t *testing.T, config testcamera.Config) *testcamera.Camera {
	t.Helper()
	if config.Source == nil {
		source, err := media()
		if err != nil {
			t.Fatal(err)
		}
		config.Source = source
	}
	config.Speed = speed
	return cameratest.Start(t, config)
}

// openSession opens a session, and closes it when the test ends.
func openSession(t *testing.T, config Config) *Session {
	t.Helper()
	session, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
	return session
}

// read reads n frames.
func read(t *testing.T, session *Session, n int) []Frame {
	t.Helper()
	frames := make([]Frame, n)
	for i := range frames {
		var err error
		if frames[i], err = session.Next(); err != nil {
			t.Fatal(err)
		}
	}
	return frames
}

// expectedSample applies the rule for NAL units to what a camera sent, in other
// words than the code under test does: the camera repeats its parameter sets,
// which are in the sample entry, and has delimiters.
func expectedSample(frame testcamera.SentFrame, codec string) (sample []byte) {
	left := func(nal []byte) bool { return slices.Contains([]byte{7, 8, 9}, nal[0]&0x1f) }
	if strings.HasPrefix(codec, "hvc1") {
		left = func(nal []byte) bool { return slices.Contains([]byte{32, 33, 34, 35}, nal[0]>>1) }
	}
	for _, nal := range frame.NALs {
		if left(nal) {
			continue
		}
		sample = binary.BigEndian.AppendUint32(sample, uint32(len(nal)))
		sample = append(sample, nal...)
	}
	return sample
}

// compareWithSent checks that frames are what the camera sent from its first key
// frame on, complete, in order, and with the same distances in time.
func compareWithSent(t *testing.T, frames []Frame, sent []testcamera.SentFrame) {
	t.Helper()
	first := slices.IndexFunc(sent, func(f testcamera.SentFrame) bool { return f.Sync })
	if first < 0 || len(sent)-first < len(frames) {
		t.Fatalf("%d frames were read, but %d sent", len(frames), len(sent))
	}
	sent = sent[first:]
	for i, frame := range frames {
		if !bytes.Equal(frame.Data, expectedSample(sent[i], frame.Entry.RFC6381Codec)) {
			t.Errorf("frame %d: data differ from those sent", i)
		}
		if frame.Sync != sent[i].Sync {
			t.Errorf("frame %d: sync %v, sent %v", i, frame.Sync, sent[i].Sync)
		}
		if got, want := frame.PTS90k-frames[0].PTS90k, sent[i].PTS90k-sent[0].PTS90k; got != want {
			t.Errorf("frame %d: %d after the first one, sent %d after it", i, got, want)
		}
		if frame.Entry != frames[0].Entry {
			t.Errorf("frame %d: another sample entry", i)
		}
	}
}

// What a camera sends is what we get, over each transport and with each kind of
// authentication, wherever the parameter sets are.
func TestFramesAreThoseSent(t *testing.T) {
	// The test camera's library cannot read a colon in basic authentication.
	noColon := strings.ReplaceAll(plantedPassword, ":", "")
	tests := map[string]struct {
		camera testcamera.Config
		config Config
	}{
		"sprop":        {},
		"no sprop":     {camera: testcamera.Config{WithoutSprop: true}},
		"digest":       {camera: testcamera.Config{Username: username, Password: plantedPassword}, config: Config{Username: username, Password: plantedPassword}},
		"basic":        {camera: testcamera.Config{Username: username, Password: noColon, Basic: true}, config: Config{Username: username, Password: noColon}},
		"no password":  {camera: testcamera.Config{Username: username}, config: Config{Username: username}},
		"udp":          {camera: testcamera.Config{Transports: []moonfirefs.Transport{moonfirefs.UDP}}, config: Config{Transport: moonfirefs.UDP}},
		"wrapping":     {camera: testcamera.Config{RTPOrigin: 1<<32 - 2*moonfirefs.UnitsPerSecond}},
		"above 2 GiHz": {camera: testcamera.Config{RTPOrigin: 1<<31 + 1}},
	}
	type source struct {
		name          string
		media         func() (*testcamera.Media, error)
		width, height uint16
		codec         string
	}
	sources := []source{{"H.264", media, 320, 180, "avc1.42c00c"}, {"H.265", hevcMedia, 642, 362, "hvc1.1.6.L63.90"}}
	for name, test := range tests {
		for _, source := range sources {
			t.Run(source.name+" "+name, func(t *testing.T) {
				t.Parallel()
				encoded, err := source.media()
				if err != nil {
					t.Fatal(err)
				}
				ours, theirs := test.config, test.camera
				theirs.Source = encoded
				camera := startCamera(t, theirs)
				ours.URL = camera.URL()
				frames := read(t, openSession(t, ours), 60)
				compareWithSent(t, frames, camera.Sent())
				if entry := frames[0].Entry; entry.Width != source.width || entry.Height != source.height || entry.ID != 0 || entry.RFC6381Codec != source.codec {
					t.Errorf("sample entry %+v", entry)
				}
			})
		}
	}
}

// TestOtherVideo ensures that of several video streams in a session description the
// first one is recorded, as it would be alone: libavformat dates the frames of a
// session with several streams anew by every sender report.
func TestOtherVideo(t *testing.T) {
	camera := startCamera(t, testcamera.Config{OtherVideo: true})
	session := openSession(t, Config{URL: camera.URL()})
	frames := read(t, session, 10)
	for range 5 {
		camera.Report()
		frames = append(frames, read(t, session, 10)...)
	}
	compareWithSent(t, frames, camera.Sent())
}

// Credentials in the URL are used as well.
func TestUserInfoInURL(t *testing.T) {
	camera := startCamera(t, testcamera.Config{Username: username, Password: "pl@nted"})
	url := strings.Replace(camera.URL(), "rtsp://", "rtsp://admin:pl%40nted@", 1)
	compareWithSent(t, read(t, openSession(t, Config{URL: url}), 5), camera.Sent())
}

// When a camera starts with a key frame, not even that one is lost.
func TestFirstFrameIsNotLost(t *testing.T) {
	for _, codec := range []testcamera.Codec{testcamera.H264, testcamera.H265} {
		t.Run(string(codec), func(t *testing.T) { testFirstFrame(t, codec) })
	}
}

func testFirstFrame(t *testing.T, codec testcamera.Codec) {
	source, err := testcamera.Encode(t.Context(), testcamera.Params{GOP: 1, Codec: codec}, 15)
	if err != nil {
		t.Fatal(err)
	}
	camera := startCamera(t, testcamera.Config{Source: source})
	compareWithSent(t, read(t, openSession(t, Config{URL: camera.URL()}), 15), camera.Sent())
}

// A camera that changes its resolution while it plays gets a new sample entry at
// the key frame, and the one from before when it changes back.
func TestConfigurationChanges(t *testing.T) {
	for _, codec := range []testcamera.Codec{testcamera.H264, testcamera.H265} {
		t.Run(string(codec), func(t *testing.T) { testConfigurationChanges(t, codec) })
	}
}

func testConfigurationChanges(t *testing.T, codec testcamera.Codec) {
	small, err := testcamera.Encode(t.Context(), testcamera.Params{Codec: codec}, 30)
	if err != nil {
		t.Fatal(err)
	}
	large, err := testcamera.Encode(t.Context(), testcamera.Params{Codec: codec, Width: 640, Height: 360}, 30)
	if err != nil {
		t.Fatal(err)
	}
	camera := startCamera(t, testcamera.Config{Source: testcamera.Join(small, large)})
	frames := read(t, openSession(t, Config{URL: camera.URL()}), 100)
	sizes := map[uint16][20]byte{}
	changes := 0
	for i, frame := range frames {
		if digest, known := sizes[frame.Entry.Width]; known && digest != frame.Entry.SHA1 {
			t.Errorf("frame %d: another sample entry for the same configuration", i)
		}
		sizes[frame.Entry.Width] = frame.Entry.SHA1
		if i > 0 && frame.Entry != frames[i-1].Entry {
			changes++
			if !frame.Sync {
				t.Errorf("frame %d: the sample entry changes, but it is no sync sample", i)
			}
		}
	}
	if changes < 3 || len(sizes) != 2 || sizes[320] == sizes[640] {
		t.Errorf("%d changes among %d configurations", changes, len(sizes))
	}
}

// The caller owns what Next returns.
func TestFrameDataBelongsToCaller(t *testing.T) {
	camera := startCamera(t, testcamera.Config{})
	session := openSession(t, Config{URL: camera.URL()})
	frame := read(t, session, 1)[0]
	before := bytes.Clone(frame.Data)
	read(t, session, 30)
	if !bytes.Equal(frame.Data, before) {
		t.Error("a later frame has overwritten an earlier one")
	}
}

// nextError reads until the session ends.
func nextError(t *testing.T, session *Session) error {
	t.Helper()
	for {
		if _, err := session.Next(); err != nil {
			return err
		}
	}
}

// A camera that keeps the connection and answers, but sends no pictures, is given up
// after the frame timeout, and not before.
func TestStall(t *testing.T) {
	tests := map[string]struct {
		config Config
		want   string
	}{
		"TCP": {Config{SocketTimeout: 500 * time.Millisecond, FrameTimeout: 2 * time.Second}, "read frame: no video within 2s"},
		"UDP": {Config{SocketTimeout: 500 * time.Millisecond, FrameTimeout: 2 * time.Second, Transport: moonfirefs.UDP}, "read frame: no video within 2s"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			camera := startCamera(t, testcamera.Config{Transports: []moonfirefs.Transport{moonfirefs.TCP, moonfirefs.UDP}})
			test.config.URL = camera.URL()
			session := openSession(t, test.config)
			read(t, session, 1)
			camera.Stall()
			if err := nextError(t, session); err.Error() != test.want {
				t.Errorf("got %q, want %q", err, test.want)
			}
		})
	}
}

// A camera that keeps sending, but no pictures, is noticed: what it sends does not
// count, however often the socket has something to read.
func TestOnlyReports(t *testing.T) {
	for _, transport := range []moonfirefs.Transport{moonfirefs.TCP, moonfirefs.UDP} {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			camera := startCamera(t, testcamera.Config{Transports: []moonfirefs.Transport{transport}})
			session := openSession(t, Config{
				URL: camera.URL(), Transport: transport, SocketTimeout: 500 * time.Millisecond, FrameTimeout: 3 * time.Second,
			})
			read(t, session, 1)
			camera.Stall()
			ended := make(chan struct{})
			var reports sync.WaitGroup
			reports.Go(func() {
				for {
					select {
					case <-ended:
						return
					case <-time.After(10 * time.Millisecond):
						camera.Report()
					}
				}
			})
			if err := nextError(t, session); err.Error() != "read frame: no video within 3s" {
				t.Errorf("got %q", err)
			}
			close(ended)
			reports.Wait()
		})
	}
}

// A stall that is shorter than the timeouts costs the frames that were not sent,
// and nothing else.
func TestShortStall(t *testing.T) {
	camera := startCamera(t, testcamera.Config{})
	session := openSession(t, Config{URL: camera.URL()})
	frames := read(t, session, 5)
	camera.Stall()
	time.Sleep(300 * time.Millisecond)
	camera.Resume()
	frames = append(frames, read(t, session, 40)...)
	compareWithSent(t, frames, camera.Sent())
}

func TestConnectionCut(t *testing.T) {
	camera := startCamera(t, testcamera.Config{})
	session := openSession(t, Config{URL: camera.URL()})
	read(t, session, 1)
	camera.Stop()
	if err := nextError(t, session); err.Error() != "read frame: the camera closed the connection" {
		t.Errorf("got %q", err)
	}
	if _, err := Open(t.Context(), Config{URL: camera.URL()}); err == nil {
		t.Error("a stopped camera can be connected to")
	}
	if err := camera.Restart(); err != nil {
		t.Fatal(err)
	}
	read(t, openSession(t, Config{URL: camera.URL()}), 1)
}

// A connection can also end anywhere in a packet (RFC 2326 §10.12).
func TestConnectionCutInPacket(t *testing.T) {
	for _, begun := range []string{"$", "$\x00", "$\x00\x00", "$\x00\x00\x10abc"} {
		script := scripted(nil, describe(h264Media))
		url := "rtsp://" + cameratest.Listen(t, func(conn net.Conn) { script(&playingConn{Conn: conn, text: begun}) }) + "/"
		session := openSession(t, Config{URL: url})
		if err := nextError(t, session); err.Error() != "read frame: the connection ended in the middle of a packet" {
			t.Errorf("after %q: got %q", begun, err)
		}
	}
}

// playingConn sends a text behind the answer to PLAY, and nothing more.
type playingConn struct {
	net.Conn
	text  string
	plays bool
}

func (c *playingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.plays = c.plays || bytes.HasPrefix(p[:n], []byte("PLAY"))
	return n, err
}

func (c *playingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.plays && err == nil {
		_, err = io.WriteString(c.Conn, c.text)
		return n, errors.Join(err, c.Close())
	}
	return n, err
}

// Cancelling the context ends a blocked Next, and the session.
func TestCancelWhileReading(t *testing.T) {
	camera := startCamera(t, testcamera.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	session, err := Open(ctx, Config{URL: camera.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	read(t, session, 1)
	camera.Stall()
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := nextError(t, session); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// Close ends a Next in another goroutine; further calls are harmless.
func TestCloseWhileReading(t *testing.T) {
	camera := startCamera(t, testcamera.Config{})
	session := openSession(t, Config{URL: camera.URL()})
	read(t, session, 1)
	camera.Stall()
	ended := make(chan error)
	go func() {
		for {
			if _, err := session.Next(); err != nil {
				ended <- err
				return
			}
		}
	}()
	time.Sleep(50 * time.Millisecond)
	for range 2 {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	if _, err := session.Next(); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v, want ErrClosed", err)
	}
}

// openFiles counts the file descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Opening and closing, with and without success, leaves nothing behind.
func TestManyRounds(t *testing.T) {
	source, err := testcamera.Encode(t.Context(), testcamera.Params{GOP: 1}, 15)
	if err != nil {
		t.Fatal(err)
	}
	camera := startCamera(t, testcamera.Config{Source: source, Username: username, Password: plantedPassword})
	round := func() {
		session, err := Open(t.Context(), Config{URL: camera.URL(), Username: username, Password: plantedPassword})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := session.Next(); err != nil {
			t.Error(err)
		}
		session.Close()
		if _, err := Open(t.Context(), Config{URL: camera.URL(), Username: username, Password: "wrong"}); err == nil {
			t.Error("a wrong password is accepted")
		}
	}
	round()
	files, goroutines := openFiles(t), runtime.NumGoroutine()
	for range 200 {
		round()
	}
	// The camera's side of a connection ends a little later than ours.
	wait.Until(t, fmt.Sprintf("%d open files, as before", files), func() bool { return openFiles(t) <= files })
	wait.Until(t, fmt.Sprintf("%d goroutines, as before", goroutines), func() bool { return runtime.NumGoroutine() <= goroutines })
}
