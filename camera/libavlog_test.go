package camera

import (
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
)

// newLog returns a logger for debug lines about a camera, and where they go.
func newLog(camera string) (*slog.Logger, *syncbuffer.Buffer) {
	buffer := &syncbuffer.Buffer{}
	return slog.New(slog.NewTextHandler(buffer, &slog.HandlerOptions{Level: slog.LevelDebug})).With("camera", camera), buffer
}

// The log of libav goes to slog at debug level. It holds the URLs that a camera
// puts in its session description, redacted, however long that is.
func TestLibavLog(t *testing.T) {
	long := "a=tool:" + strings.Repeat("long ", 1000)
	control := "a=control:rtsp://admin:planted@127.0.0.1/track?user=admin&password=planted"
	relative := "a=control:track?user=admin&password=pl@nted"
	sdp := describe(control, relative, long, audioMedia)
	url := "rtsp://" + cameratest.Listen(t, scripted(nil, sdp)) + "/"
	log, lines := newLog("driveway")
	if _, err := Open(t.Context(), Config{URL: url, Logger: log}); err == nil {
		t.Fatal("a camera without video was opened")
	}
	for _, want := range []string{"msg=libav", "a=control:rtsp://***@127.0.0.1/track?user=***&password=***", "a=control:track?user=***&password=***", "long long"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("%q is not in the log", want)
		}
	}
	if leaksPassword(lines.String()) {
		t.Error("the password is in the log")
	}
}

// A camera that repeats our credentials in words of its own does not get them
// into the log, not even where the line is cut.
func TestLibavLogKnowsSecrets(t *testing.T) {
	const secret = "s3cret-%40-value"
	sdp := describe("a=tool:hello operator, s3cret-@-value and s%33cret-@-value", "a=info:"+strings.Repeat("x ", 8580)+strings.Repeat("s3cret-@-value", 20), audioMedia)
	log, lines := newLog("driveway")
	if _, err := Open(t.Context(), Config{URL: "rtsp://" + cameratest.Listen(t, scripted(nil, sdp)) + "/?key=" + secret, Logger: log, Username: "operator"}); err == nil {
		t.Fatal("a camera without video was opened")
	}
	if got := lines.String(); !strings.Contains(got, "a=tool:hello ***, *** and ***") || strings.Contains(got, "3cret") {
		t.Errorf("the log is\n%s", got)
	}
}

// What libav logs, from whichever of its layers, is about the camera on whose
// behalf it does its work, also when several are worked for at once.
func TestLibavLogIsAttributed(t *testing.T) {
	var sessions sync.WaitGroup
	for _, name := range []string{"driveway", "garden", "porch", "shed"} {
		camera := startCamera(t, testcamera.Config{})
		_, port, _ := strings.Cut(strings.TrimPrefix(camera.URL(), "rtsp://"), ":")
		port, _, _ = strings.Cut(port, "/")
		log, lines := newLog(name)
		sessions.Go(func() {
			session, err := Open(t.Context(), Config{URL: camera.URL(), Logger: log})
			if err != nil {
				t.Error(err)
				return
			}
			for range 20 {
				if _, err := session.Next(); err != nil {
					t.Error(err)
				}
			}
			session.Close()
			// The layer below RTSP logs the address that it connects to.
			if got := lines.String(); !strings.Contains(got, "port "+port) || !strings.Contains(got, "SDP:") {
				t.Errorf("the log of %s lacks its lines:\n%s", name, got)
			}
			for line := range strings.Lines(lines.String()) {
				if !strings.Contains(line, "camera="+name) || strings.Contains(line, " port ") && !strings.Contains(line, "port "+port) {
					t.Errorf("in the log of %s: %s", name, line)
				}
			}
		})
	}
	sessions.Wait()
}

// A camera cannot fill the log: a session logs so many of libav's lines in a
// minute, and how many there were beyond them.
func TestLibavLogIsBounded(t *testing.T) {
	log, lines := newLog("driveway")
	l := newLibavLog(log, secrets{})
	defer l.close()
	for range 10 * maxLibavLines {
		l.add(slog.LevelDebug, "damaged")
	}
	if n := strings.Count(lines.String(), "\n"); n != maxLibavLines {
		t.Errorf("%d lines", n)
	}
	l.begin = l.begin.Add(-libavLogWindow)
	l.add(slog.LevelDebug, "one more")
	got := lines.String()
	if !strings.Contains(got, "libav lines were left out") || !strings.Contains(got, "lines=900") || !strings.HasSuffix(got, "\"one more\"\n") {
		t.Errorf("the log ends with %s", got[len(got)-300:])
	}
}

// Where debug lines are not wanted, libav's are not logged.
func TestLibavLogLevel(t *testing.T) {
	buffer := &syncbuffer.Buffer{}
	camera := startCamera(t, testcamera.Config{})
	session := openSession(t, Config{URL: camera.URL(), Logger: slog.New(slog.NewTextHandler(buffer, nil))})
	read(t, session, 5)
	if strings.Contains(buffer.String(), "msg=libav") {
		t.Errorf("the log is %s", buffer)
	}
}
