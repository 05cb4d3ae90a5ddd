// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
)

// newLog returns a logger for debug lines about a camera, and where they go.
func newLog(camera string) (*slog.Logger, *syncbuffer.Buffer) {
	buffer := &syncbuffer.Buffer{}
	return slog.New(slog.NewTextHandler(buffer, &slog.HandlerOptions{Level: slog.LevelDebug})).With("camera", camera), buffer
}

// TestDescriptionIsLogged ensures that what a camera says is logged at debug level,
// however long it is, and that our credentials are not, in whatever words it repeats them.
func TestDescriptionIsLogged(t *testing.T) {
	const secret = "s3cret-%40-value"
	sdp := describe(
		"a=control:rtsp://admin:planted@127.0.0.1/track?user=admin&password=planted",
		"a=tool:"+strings.Repeat("long ", 1000)+"hello operator, s3cret-@-value and s%33cret-@-value", audioMedia)
	address := cameratest.Listen(t, scripted(map[string]string{"OPTIONS": "200 Hello operator"}, sdp))
	log, lines := newLog("driveway")
	_, err := Open(t.Context(), Config{URL: "rtsp://" + address + "/?key=" + secret, Logger: log, Username: "operator"})
	if err == nil {
		t.Fatal("a camera without video was opened")
	}
	for _, want := range []string{
		`msg="camera says" camera=driveway what="session description"`, "rtsp://***@127.0.0.1/track?user=***&password=***", "long hello ***, *** and ***", "OPTIONS: 200 Hello ***",
	} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("%q is not in the log", want)
		}
	}
	if got := lines.String(); leaksPassword(got) || strings.Contains(got, "3cret") {
		t.Errorf("the log is\n%s", got)
	}
	quiet := &syncbuffer.Buffer{}
	if _, err := Open(t.Context(), Config{URL: "rtsp://" + address + "/", Logger: slog.New(slog.NewTextHandler(quiet, nil))}); err == nil || quiet.String() != "" {
		t.Errorf("%v; where debug lines are not wanted, the log is %s", err, quiet)
	}
}
