// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestDescription ensures that streams are found in session descriptions, whatever stands
// around them.
func TestDescription(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string // of each stream: type, control, formats; "back" for a back channel
	}{
		"none": {"v=0\r\ns=x\r\n", nil},
		"video and audio": {
			"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\nm=audio 0 RTP/AVP 0\r\na=control:track2\r\n",
			[]string{"video track1 H264/90000", "audio track2 PCMU/8000"},
		},
		"several formats": {
			"m=audio 0 RTP/AVP 0 8 97 111\r\na=rtpmap:97 mpeg4-generic/16000/1\na=rtpmap:98 x/1",
			[]string{"audio  PCMU/8000 PCMA/8000 mpeg4-generic/16000/1 payload type 111"},
		},
		"a back channel": {
			"m=audio 0 RTP/AVP 0\r\na=sendonly\r\na=control:spk\r\nm=audio 0 RTP/AVP 0\r\na=recvonly\r\na=control:mic\r\n",
			[]string{"audio spk PCMU/8000 back", "audio mic PCMU/8000"},
		},
		"a back channel first, by the client's side": {
			"m=audio 0 RTP/AVP 0\r\na=sendonly\r\nm=video 0 RTP/AVP 26\r\na=recvonly\r\nm=audio 0 RTP/AVP 8\r\n",
			[]string{"audio  PCMU/8000 back", "video  JPEG/90000", "audio  PCMA/8000"},
		},
		"a back channel, by the camera's side": {
			"m=audio 0 RTP/AVP 0\r\na=recvonly\r\nm=video 0 RTP/AVP 26\r\na=sendonly\r\nm=audio 0 RTP/AVP 8\r\na=sendonly\r\n",
			[]string{"audio  PCMU/8000 back", "video  JPEG/90000", "audio  PCMA/8000"},
		},
		"all recvonly": {
			"m=video 0 RTP/AVP 26\r\na=recvonly\r\nm=audio 0 RTP/AVP 0\r\na=recvonly\r\n", []string{"video  JPEG/90000", "audio  PCMU/8000"},
		},
		"all sendonly": {
			"m=video 0 RTP/AVP 96\r\na=sendonly\r\nm=audio 0 RTP/AVP 0\r\na=sendonly\r\n", []string{"video  payload type 96", "audio  PCMU/8000"},
		},
		"rubbish":         {"\x00m=video\r\nm=\r\nm= video\r\nm=video 0 RTP/AVP x 999 -1\r\na=\r\na=rtpmap\r\na=rtpmap:96\r\na=fmtp:\r\n=\r\n", []string{" ", "video ", "video "}},
		"spaces":          {"m=video 0 RTP/AVP 96 \r\na=rtpmap:96  H265/90000 \r\na=control: rtsp://x/y \r\n", []string{"video rtsp://x/y H265/90000"}},
		"a wrong clock":   {"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/abc\r\n", []string{"video  H264/abc"}},
		"a static one":    {"m=video 0 RTP/AVP 26\r\n", []string{"video  JPEG/90000"}},
		"named otherwise": {"m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMA/8000/2\r\n", []string{"audio  PCMA/8000/2"}},
	}
	for name, test := range tests {
		var got []string
		for _, m := range parseDescription(test.text).Medias {
			text := m.Type + " " + m.control
			for i := range m.Formats {
				text += " " + m.Formats[i].String()
			}
			if m.BackChannel {
				text += " back"
			}
			got = append(got, text)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	f := parseDescription("m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/48000/2\na=fmtp:97 streamtype=5; Config=1190;sizeLength = 13;x").Medias[0].Formats[0]
	if f.Encoding != "MPEG4-GENERIC" || f.ClockRate != 48000 || f.Channels != 2 || f.Parameters["config"] != "1190" || f.Parameters["sizelength"] != "13" {
		t.Errorf("%+v", f)
	}
}

// FuzzDescription: whatever a camera writes, what is kept of it is bounded.
func FuzzDescription(f *testing.F) {
	f.Add("v=0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0,aM\r\na=control:track1\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		d := parseDescription(text)
		if len(d.Medias) > maxMedias {
			t.Fatalf("%d streams", len(d.Medias))
		}
		for _, m := range d.Medias {
			if len(m.Formats) > maxFormats {
				t.Fatalf("%d formats", len(m.Formats))
			}
			if control := join("rtsp://host/path", m.control); strings.ContainsAny(control, "\r\n ") {
				t.Fatalf("the control %q", control)
			}
		}
	})
}

// TestTargets ensures what is connected to and what is sent.
func TestTargets(t *testing.T) {
	for url, want := range map[string]string{
		"rtsp://host/path":                             "host:554 rtsp://host/path host",
		"rtsp://HOST:8554/a?b=c":                       "HOST:8554 rtsp://HOST:8554/a?b=c host",
		"rtsps://user:pw@host/a@b":                     "host:322 rtsps://host/a@b host",
		"rtsp://[fe80::1%25eth0]:554/x":                "[fe80::1%eth0]:554 rtsp://[fe80::1]:554/x fe80::1",
		"rtsp://[::1]/x#fragment":                      "[::1]:554 rtsp://[::1]/x ::1",
		"rtsp://host":                                  "host:554 rtsp://host host",
		"rtsp://host/user=a&password=b_channel=1.sdp?": "host:554 rtsp://host/user=a&password=b_channel=1.sdp? host",
		"rtsp+http://host/path":                        "host:80 rtsp://host/path host",
		"rtsp+https://user:pw@host:8443/path":          "host:8443 rtsp://host:8443/path host",
		"rtsp+https://host":                            "host:443 rtsp://host host",
	} {
		target, err := parseTarget(url)
		if got := fmt.Sprintf("%s %s %s", target.address, target.url, target.host); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", url, got, err, want)
		}
	}
	for _, join := range [][4]string{
		{"rtsp://h/p", "track1", join("rtsp://h/p", "track1"), "rtsp://h/p/track1"},
		{"rtsp://h/p/", "track1", join("rtsp://h/p/", "track1"), "rtsp://h/p/track1"},
		{"rtsp://h/p/", "/track1", join("rtsp://h/p/", "/track1"), "rtsp://h/p/track1"},
		{"rtsp://h/p?q=1", "trackID=0", join("rtsp://h/p?q=1", "trackID=0"), "rtsp://h/p?q=1/trackID=0"},
		{"rtsp://h/p", "*", join("rtsp://h/p", "*"), "rtsp://h/p"},
		{"rtsp://h/p", "rtsp://u:p@other/t 1", join("rtsp://h/p", "rtsp://u:p@other/t 1"), "rtsp://other/t%201"},
	} {
		if join[2] != join[3] {
			t.Errorf("%s and %s make %s, want %s", join[0], join[1], join[2], join[3])
		}
	}
}
