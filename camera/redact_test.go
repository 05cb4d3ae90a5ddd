package camera

import "testing"

func TestRedact(t *testing.T) {
	tests := map[string]string{
		"rtsp://cam/stream":                                       "rtsp://cam/stream",
		"rtsp://cam:8554/stream":                                  "rtsp://cam:8554/stream",
		"rtsp://admin:secret@cam/stream":                          "rtsp://***@cam/stream",
		"rtsp://admin:se%40cret@[::1]:554/":                       "rtsp://***@[::1]:554/",
		"rtsp://admin@cam":                                        "rtsp://***@cam",
		"rtsp://admin:se@cret@cam/":                               "rtsp://***@cam/",
		"rtsp://cam/s?user=admin&password=secret&channel=1":       "rtsp://cam/s?user=***&password=***&channel=***",
		"rtsp://cam/user=admin&password=secret&channel=1":         "rtsp://cam/user=***&password=***&channel=***",
		"rtsp://cam/user=admin_password=secret_channel=1/x?token": "rtsp://cam/user=***/x?token",
		// Doubtful ones: no part of the password may be left.
		"rtsp://admin:sec/ret@cam/":     "rtsp://***",
		"rtsp://admin:sec?ret@cam/":     "rtsp://***",
		"rtsp://cam/?password=sec@ret":  "rtsp://***",
		"rtsp://admin:12/sec=ret@cam/x": "rtsp://***",
		"admin:secret":                  "***",
		"":                              "***",
	}
	for url, want := range tests {
		if got := Redact(url); got != want {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
	}
}

func TestRedactText(t *testing.T) {
	tests := map[string]string{
		"Redirecting to rtsp://admin:secret@cam/a, again rtsp://b/?p=secret.": "Redirecting to rtsp://***@cam/a, again rtsp://b/?p=***",
		"a=control:track1?password=secret&x=secret\r\na=tool:x":               "a=control:track1?password=***&x=***\r\na=tool:x",
		"CSeq 3 expected, 2 received.":                                        "CSeq 3 expected, 2 received.",
	}
	for text, want := range tests {
		if got := redactText(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
