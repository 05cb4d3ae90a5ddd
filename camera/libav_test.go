// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// muxed is what a container was made of.
type muxed struct {
	path  string
	media *testcamera.Media
	audio *testcamera.Audio
}

// mux puts three seconds of pictures, and of audio if a codec is given, into a container.
func mux(t *testing.T, codec testcamera.Codec, audioCodec testcamera.AudioCodec, name string, options ...string) muxed {
	t.Helper()
	m := muxed{path: filepath.Join(t.TempDir(), name)}
	var err error
	if m.media, err = testcamera.Encode(t.Context(), testcamera.Params{Codec: codec, GOP: 15}, 45); err != nil {
		t.Fatal(err)
	}
	var stream []byte
	for _, unit := range m.media.AccessUnits {
		stream = append(stream, annexB(unit.NALs...)...)
	}
	raw := filepath.Join(t.TempDir(), "video")
	if err := os.WriteFile(raw, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	format := map[testcamera.Codec]string{testcamera.H264: "h264", testcamera.H265: "hevc"}[codec]
	arguments := []string{"-v", "error", "-y", "-framerate", strconv.Itoa(m.media.Params.FPS), "-f", format, "-i", raw}
	if audioCodec != "" {
		arguments = append(arguments, m.encodeAudio(t, audioCodec)...)
	}
	arguments = append(append(arguments, "-c", "copy"), options...)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", append(arguments, m.path)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return m
}

// encodeAudio makes the audio, and ffmpeg's arguments to read it.
func (m *muxed) encodeAudio(t *testing.T, codec testcamera.AudioCodec) []string {
	t.Helper()
	var err error
	if m.audio, err = testcamera.EncodeAudio(t.Context(), codec, 0, 3); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "audio")
	if codec != testcamera.AAC {
		if err := os.WriteFile(path, bytes.Join(m.audio.Frames, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"-f", string(codec), "-ar", strconv.Itoa(m.audio.SampleRate), "-ac", "1", "-i", path}
	}
	var stream []byte
	for _, frame := range m.audio.Frames {
		stream = append(append(stream, adtsHeader(len(frame))...), frame...)
	}
	if err := os.WriteFile(path, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"-f", "aac", "-i", path}
}

// adtsHeader is that of a frame of AAC-LC, 16 kHz, mono.
func adtsHeader(size int) []byte {
	size += 7
	return []byte{0xff, 0xf1, 1<<6 | 8<<2, 1<<6 | byte(size>>11), byte(size >> 3), byte(size<<5) | 0x1f, 0xfc}
}

// requireFrames reads a source to its end, or until it has had n frames, and requires that
// they are those of the container, from a key frame on, and that audio lies where it is in
// the container.
func (m *muxed) requireFrames(t *testing.T, session *Session, n int) {
	t.Helper()
	first, frames, audio := -1, 0, []byte(nil)
	var began int64
	for ; frames < n; frames++ {
		frame, err := session.Next()
		if err != nil {
			t.Fatalf("after %d frames: %v", frames, err)
		}
		if first < 0 {
			began = frame.PTS90k
			for i := range m.media.AccessUnits {
				if bytes.Equal(frame.Data, m.sample(i, frame.Entry.RFC6381Codec)) {
					first = i
				}
			}
		}
		at := (first + frames) % len(m.media.AccessUnits)
		if first < 0 || !bytes.Equal(frame.Data, m.sample(at, frame.Entry.RFC6381Codec)) || frame.Sync != m.media.AccessUnits[at].Sync {
			t.Fatalf("frame %d is not the one that was sent", frames)
		}
		if off := frame.PTS90k - began - int64(frames)*90000/int64(m.media.Params.FPS); off < -100 || off > 100 {
			t.Fatalf("frame %d is %d out of place", frames, off)
		}
		for _, a := range frame.Audio {
			// Where the containers' clocks allow it, both begin at once.
			at90k := frame.PTS90k - began + int64(a.Offset90k)
			if want := int64(len(audio)/8000) * 90000; m.audio.Codec != testcamera.AAC && (at90k < want-9000 || at90k > want+99000) {
				t.Fatalf("audio is at %d behind %d bytes", at90k, len(audio))
			}
			audio = append(audio, a.Data...)
		}
	}
	if m.audio == nil {
		return
	}
	if all := bytes.Join(m.audio.Frames, nil); len(audio) < len(all)/3 || !bytes.Contains(bytes.Repeat(all, 2), audio) {
		t.Errorf("%d bytes of audio came, which are not those that were sent", len(audio))
	}
}

func (m *muxed) sample(n int, codec string) []byte {
	return expectedSample(testcamera.SentFrame{NALs: m.media.AccessUnits[n].NALs}, codec)
}

// TestContainers ensures that what libavformat takes out of containers is what is in them,
// whether they have start codes or lengths, with the codec's configuration or without.
func TestContainers(t *testing.T) {
	tests := []struct {
		name  string
		codec testcamera.Codec
		audio testcamera.AudioCodec
	}{
		{"avc.ts", testcamera.H264, testcamera.AAC},
		{"hevc.ts", testcamera.H265, testcamera.AAC},
		{"avc.flv", testcamera.H264, testcamera.AAC},
		{"alaw.flv", testcamera.H264, testcamera.ALaw},
		{"avc.mkv", testcamera.H264, testcamera.ULaw},
		{"hevc.mp4", testcamera.H265, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := mux(t, test.codec, test.audio, test.name)
			session := openSession(t, Config{URL: "file://" + m.path, Audio: true})
			m.requireFrames(t, session, len(m.media.AccessUnits)-1)
			if err := nextError(t, session); err.Error() != "read frame: the camera closed the connection" {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}

// TestHTTP ensures that streams are recorded that a web server has: MPEG-TS, FLV and HLS,
// with a password and without.
func TestHTTP(t *testing.T) {
	ts := mux(t, testcamera.H264, testcamera.AAC, "live.ts")
	flv := mux(t, testcamera.H264, testcamera.AAC, "live.flv")
	hls := mux(t, testcamera.H264, testcamera.AAC, "live.m3u8", "-f", "hls", "-hls_time", "1")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); strings.HasPrefix(r.URL.Path, "/secret/") && (user != username || password != plantedPassword) {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		name := filepath.Base(r.URL.Path)
		for _, m := range []muxed{ts, flv, hls} {
			if _, err := os.Stat(filepath.Join(filepath.Dir(m.path), name)); err == nil {
				http.ServeFile(w, r, filepath.Join(filepath.Dir(m.path), name))
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	for path, m := range map[string]muxed{"/live.ts": ts, "/live.flv": flv, "/live.m3u8": hls, "/secret/live.ts?token=planted": ts} {
		session := openSession(t, Config{URL: server.URL + path, Username: username, Password: plantedPassword, Audio: true})
		m.requireFrames(t, session, 40)
	}
	for path, want := range map[string]string{
		"/secret/live.ts": "401 unauthorized: wrong user name or password",
		"/nothing.ts":     "404 not found: no such stream",
	} {
		_, err := Open(t.Context(), Config{URL: server.URL + path + "?token=planted", Username: username, Password: "wrong" + plantedPassword})
		if err == nil || !strings.HasSuffix(err.Error(), ": "+want) || leaksPassword(err.Error()) {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
}

// TestLateStreams ensures that audio is recorded which begins when a source has long been
// looked at, and that video is waited for.
func TestLateStreams(t *testing.T) {
	for name, first := range map[string][]string{"audio": {"0:v"}, "video": {"0:a", "-streamid", "0:257"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mux(t, testcamera.H264, testcamera.AAC, "late.ts")
			var joined []byte
			for _, options := range [][]string{append([]string{"-map"}, first...), {"-map", "0", "-output_ts_offset", "3"}} {
				path := filepath.Join(t.TempDir(), "piece.ts")
				arguments := append([]string{"-v", "error", "-i", m.path, "-c", "copy"}, options...)
				if out, err := exec.CommandContext(t.Context(), "ffmpeg", append(arguments, path)...).CombinedOutput(); err != nil {
					t.Fatalf("ffmpeg: %v: %s", err, out)
				}
				piece, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				joined = append(joined, piece...)
			}
			if err := os.WriteFile(m.path, joined, 0o600); err != nil {
				t.Fatal(err)
			}
			frames := len(m.media.AccessUnits) - 1
			if name == "audio" {
				frames += len(m.media.AccessUnits)
			}
			m.requireFrames(t, openSession(t, Config{URL: "file://" + m.path, Audio: true}), frames)
		})
	}
}

// TestPushed ensures that streams are recorded that somebody sends: MPEG-TS by UDP, by RTP
// and by SRT.
func TestPushed(t *testing.T) {
	tests := map[string]struct{ format, ours, theirs string }{
		"udp": {"mpegts", "udp://127.0.0.1:%d", "udp://127.0.0.1:%d?pkt_size=1316"},
		"rtp": {"rtp_mpegts", "rtp://127.0.0.1:%d", "rtp://127.0.0.1:%d"},
		"srt": {"mpegts", "srt://127.0.0.1:%d", "srt://127.0.0.1:%d?mode=listener"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			m := mux(t, testcamera.H264, testcamera.AAC, "pushed.ts")
			ctx, cancel := context.WithCancel(t.Context())
			sender := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-re", "-stream_loop", "20", "-i", m.path,
				"-c", "copy", "-f", test.format, fmt.Sprintf(test.theirs, port))
			if err := sender.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				cancel()
				_ = sender.Wait() // it is killed
			}()
			var session *Session
			for deadline := time.Now().Add(20 * time.Second); session == nil; {
				opened, err := Open(t.Context(), Config{URL: fmt.Sprintf(test.ours, port), Audio: true})
				if err == nil {
					session = opened
				} else if time.Now().After(deadline) {
					t.Fatal(err)
				}
			}
			defer session.Close()
			m.requireFrames(t, session, 20)
		})
	}
}

// TestRTMP ensures that a server of RTMP is recorded, with sound of each kind that FLV has,
// that its end is told in words, and that what is there again is recorded again.
func TestRTMP(t *testing.T) {
	for _, audio := range []testcamera.AudioCodec{testcamera.AAC, testcamera.ALaw, testcamera.ULaw} {
		t.Run(string(audio), func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			m := mux(t, testcamera.H264, audio, "pushed.flv")
			url := fmt.Sprintf("rtmp://127.0.0.1:%d/live/camera", port)
			for range 2 {
				if _, err := Open(t.Context(), Config{URL: url}); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("where nobody listens: %v", err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				server := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-re", "-stream_loop", "20", "-i", m.path,
					"-c", "copy", "-f", "flv", "-listen", "1", url)
				complaints := &syncbuffer.Buffer{}
				server.Stderr = complaints
				if err := server.Start(); err != nil {
					t.Fatal(err)
				}
				kill := sync.OnceFunc(func() {
					cancel()
					_ = server.Wait()
				})
				t.Cleanup(func() {
					kill()
					if t.Failed() {
						t.Logf("ffmpeg said: %s", complaints)
					}
				})
				session := openListening(t, Config{URL: url, Audio: true})
				m.requireFrames(t, session, 30)
				kill()
				if err := nextError(t, session); err.Error() != "read frame: the connection has failed" {
					t.Errorf("at the end: %v", err)
				}
				session.Close()
			}
		})
	}
}

// openListening opens a session with a server that takes its time to listen.
func openListening(t *testing.T, cfg Config) *Session {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		session, err := Open(t.Context(), cfg)
		if err == nil {
			t.Cleanup(func() { session.Close() })
			return session
		}
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// freePort finds a port that nobody uses, of an even number, as RTP wants it.
func freePort(t *testing.T) int {
	t.Helper()
	for {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := conn.LocalAddr().(*net.UDPAddr).Port
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		conn.Close()
		if err != nil {
			continue // somebody has it for TCP
		}
		listener.Close()
		if port%2 == 0 {
			return port
		}
	}
}

// TestLibavEnds ensures that a session that libavformat serves ends as others do.
func TestLibavEnds(t *testing.T) {
	m := mux(t, testcamera.H264, "", "some.ts")
	data, err := os.ReadFile(m.path)
	if err != nil {
		t.Fatal(err)
	}
	released := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(data)
		w.(http.Flusher).Flush()
		select { // and then nothing more
		case <-released:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(released) })
	url := server.URL + "/live.ts"
	tests := map[string]struct {
		cfg  Config
		end  func(*Session, context.CancelFunc)
		want string
	}{
		"silence":     {Config{SocketTimeout: time.Second}, nil, "read frame: no answer within 1s"},
		"no pictures": {Config{FrameTimeout: 4 * time.Second}, nil, "read frame: no video within 4s"},
		"cancel":      {Config{}, func(_ *Session, cancel context.CancelFunc) { cancel() }, "read frame: context canceled"},
		"close":       {Config{}, func(s *Session, _ context.CancelFunc) { s.Close() }, "read frame: session is closed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			test.cfg.URL = url
			session, err := Open(ctx, test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			read(t, session, 10)
			if test.end != nil {
				time.AfterFunc(100*time.Millisecond, func() { test.end(session, cancel) })
			}
			if err := nextError(t, session); err.Error() != test.want {
				t.Errorf("got %q, want %q", err, test.want)
			}
		})
	}
	if _, err := Open(t.Context(), Config{URL: "http://127.0.0.1:1/"}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("where nobody listens: %v", err)
	}
}

// TestLibavStaysInside ensures that a server cannot lead libavformat to files of this
// machine.
func TestLibavStaysInside(t *testing.T) {
	m := mux(t, testcamera.H264, "", "inside.ts")
	playlist := "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile://" + m.path + "\n#EXT-X-ENDLIST\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
		_, _ = w.Write([]byte(playlist))
	}))
	defer server.Close()
	session, err := Open(t.Context(), Config{URL: server.URL + "/live.m3u8", SocketTimeout: time.Second, FrameTimeout: 5 * time.Second})
	if err == nil {
		_, err = session.Next()
		session.Close()
	}
	if err == nil {
		t.Error("a file of this machine is recorded")
	}
}

// TestOpenChecksOptions ensures that an option that libavformat does not know, which it
// would ignore, is an error.
func TestOpenChecksOptions(t *testing.T) {
	m := mux(t, testcamera.H264, "", "options.ts")
	cfg := Config{URL: "file://" + m.path}.withDefaults()
	l, err := newLibavSource(t.Context(), cfg, &Session{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	options, err := libavOptions(cfg, "file")
	if err != nil {
		t.Fatal(err)
	}
	options["no_such_option"] = "1"
	if err := l.connect(cfg.URL, options); err == nil || err.Error() != `this libavformat does not know the option "no_such_option"` {
		t.Errorf("got %v", err)
	}
	for want, refused := range map[string]Config{
		"a fingerprint can be given":                    {URL: "https://127.0.0.1/", Certificate: Certificate{Fingerprint: []byte{1}}},
		"too long: 134 bytes, at most 99 are possible":  {URL: "http://127.0.0.1/", Username: username, Password: strings.Repeat("planted", 18) + "pl"},
		"the camera sends mpeg4, which is not recorded": {URL: "file://" + otherCodec(t)},
		"no such file or directory":                     {URL: "file:///no/such/file?token=planted"},
	} {
		if _, err := Open(t.Context(), refused); err == nil || !strings.Contains(err.Error(), want) || leaksPassword(err.Error()) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// otherCodec makes a file of a codec that is not recorded.
func otherCodec(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other.ts")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=1", "-c:v", "mpeg4", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// TestLibavLog ensures that libav's lines are about the session on whose behalf it works,
// at debug level only, without secrets, and not more than so many.
func TestLibavLog(t *testing.T) {
	m := mux(t, testcamera.H264, "", "logged.ts")
	for _, name := range []string{"driveway", "garden"} {
		log, lines := newLog(name)
		session := openSession(t, Config{URL: "file://" + m.path, Logger: log})
		read(t, session, 2)
		got := lines.String()
		if !strings.Contains(got, "msg=libav camera="+name) || leaksPassword(got) {
			t.Errorf("the log is\n%s", got)
		}
	}
	quiet := &syncbuffer.Buffer{}
	session := openSession(t, Config{URL: "file://" + m.path, Logger: slog.New(slog.NewTextHandler(quiet, nil))})
	read(t, session, 2)
	if strings.Contains(quiet.String(), "msg=libav") {
		t.Errorf("the log is %s", quiet)
	}
	log, lines := newLog("porch")
	l := newLibavLog(log, secrets{})
	defer l.close()
	for range 10 * maxLibavLines {
		l.add(slog.LevelDebug, "damaged")
	}
	l.begin = l.begin.Add(-libavLogWindow)
	l.add(slog.LevelDebug, "one more")
	if got := lines.String(); strings.Count(got, "\n") != maxLibavLines+2 || !strings.Contains(got, "lines=900") {
		t.Errorf("%d lines", strings.Count(got, "\n"))
	}
}

// FuzzADTS: whatever a frame of MPEG-TS has in it, it is refused, or what is taken out of it
// is the end of it.
func FuzzADTS(f *testing.F) {
	f.Add(append(adtsHeader(3), "abc"...))
	f.Fuzz(func(t *testing.T, frame []byte) {
		a := &adtsSampler{}
		sample, entry, err := a.sample(frame)
		if err == nil && (entry == nil || !bytes.HasSuffix(frame, sample)) {
			t.Fatalf("a sample of %d bytes out of %d, %v", len(sample), len(frame), entry)
		}
		if err != nil && !errors.Is(err, errAACConfig) && sample != nil {
			t.Fatalf("a sample in spite of %v", err)
		}
	})
}

// shiftFLV returns the tags of an FLV file, later by a time.
func shiftFLV(t *testing.T, path string, laterMilliseconds int) (tags []byte) {
	t.Helper()
	const fileHeaderBytes, tagHeaderBytes, sizeBytes = 9 + 4, 11, 4
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for data = data[fileHeaderBytes:]; len(data) > 0; {
		size := tagHeaderBytes + int(data[1])<<16 + int(data[2])<<8 + int(data[3]) + sizeBytes
		tag := data[:size]
		at := int(tag[7])<<24 | int(tag[4])<<16 | int(tag[5])<<8 | int(tag[6])
		at += laterMilliseconds
		tag[7], tag[4], tag[5], tag[6] = byte(at>>24), byte(at>>16), byte(at>>8), byte(at)
		tags, data = append(tags, tag...), data[size:]
	}
	return tags
}

// TestConfigurationChangesInFLV ensures that pictures and audio are recorded with the
// configuration that they have, where another one is announced in the middle.
func TestConfigurationChangesInFLV(t *testing.T) {
	m := mux(t, testcamera.H264, testcamera.AAC, "first.flv")
	second := filepath.Join(t.TempDir(), "second.flv")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc=s=160x96:r=10:d=2", "-f", "lavfi", "-i", "sine=r=44100:d=2",
		"-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ar", "22050", "-ac", "2", second)
	first, err := os.ReadFile(m.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path, append(first, shiftFLV(t, second, 3000)...), 0o600); err != nil {
		t.Fatal(err)
	}
	session := openSession(t, Config{URL: "file://" + m.path, Audio: true})
	frames, audio := map[uint16]int{}, map[uint32]int{}
	for {
		frame, err := session.Next()
		if err != nil {
			break
		}
		frames[frame.Entry.Width]++
		for i := range frame.Audio {
			audio[frame.Audio[i].Entry.SampleRate]++
		}
	}
	if len(frames) != 2 || frames[160] != 20 {
		t.Errorf("frames by width: %v", frames)
	}
	if len(audio) != 2 || audio[22050] < 35 {
		t.Errorf("audio by rate: %v", audio)
	}
}
