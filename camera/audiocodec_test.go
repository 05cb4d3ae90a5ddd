// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/rtp"
	"github.com/moonfirefs/moonfirefs/internal/rtsp"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// TestAudioCodecs ensures for each codec that samples come as they were sent, with the
// right configuration and duration.
func TestAudioCodecs(t *testing.T) {
	for codec, want := range map[testcamera.AudioCodec]struct {
		name       string
		sampleRate uint32
		channels   uint16
		lasts90k   moonfirefs.Duration90k
	}{
		testcamera.ALaw:       {"alaw", 8000, 1, 1800},
		testcamera.L16:        {"twos", 16000, 1, 1800},
		testcamera.Opus:       {"opus", 48000, 2, 1800},
		testcamera.LATM:       {"mp4a.40.2", 16000, 1, 5760},
		testcamera.LATMInBand: {"mp4a.40.2", 16000, 1, 5760},
	} {
		sound, err := testcamera.EncodeAudio(context.Background(), codec, 16000, 5)
		if err != nil {
			t.Fatal(err)
		}
		camera := startCamera(t, testcamera.Config{Audio: sound, Reports: true})
		audio := readAudio(t, openSession(t, Config{URL: camera.URL(), Audio: true}), 50)
		entry := audio[0].Entry
		if entry.RFC6381Codec != want.name || entry.SampleRate != want.sampleRate || entry.Channels != want.channels || entry.Problem() != "" {
			t.Errorf("%s: the configuration is %+v", codec, entry)
		}
		sent := camera.SentAudio()
		for len(sent) > 0 && !bytes.Equal(sent[0].Data, audio[0].Data) {
			sent = sent[1:]
		}
		for i, a := range audio {
			if i >= len(sent) || !bytes.Equal(a.Data, sent[i].Data) || a.Entry != entry || a.Duration90k != want.lasts90k {
				t.Fatalf("%s: sample %d, which lasts %d, is not the one that was sent", codec, i, a.Duration90k)
			}
		}
	}
}

// TestAudioRefused ensures that what is not recorded is refused in words.
func TestAudioRefused(t *testing.T) {
	for want, f := range map[string]*rtsp.Format{
		"g726-32 is not recorded":                            {Encoding: "G726-32", ClockRate: 8000},
		"mp2 is not recorded":                                {Encoding: "MPA", ClockRate: 90000},
		"audio of 6 channels in Opus is not recorded":        {Encoding: "OPUS", ClockRate: 48000, Channels: 6},
		"L16 of 2 channels at 96000 Hz is not recorded":      {Encoding: "L16", ClockRate: 96000, Channels: 2},
		"AAC-LATM without a configuration is not recorded":   {Encoding: "MP4A-LATM", ClockRate: 16000, Parameters: map[string]string{"cpresent": "0"}},
		"damaged AAC configuration":                          {Encoding: "MP4A-LATM", ClockRate: 16000, Parameters: map[string]string{"cpresent": "0", "config": "40"}},
		"AAC packets with a sizelength of \"x\" are not rec": {Encoding: "MPEG4-GENERIC", Parameters: map[string]string{"sizelength": "x"}},
	} {
		if _, err := newAudioCodec(f); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: got %v, want %s", f, err, want)
		}
	}
}

// TestAudioPayloadTypeDecides ensures that of several formats of one stream that one is
// recorded whose packets come, also when that changes.
func TestAudioPayloadTypeDecides(t *testing.T) {
	d := &rtsp.Description{Medias: []rtsp.Media{
		{Type: "audio", BackChannel: true, Formats: []rtsp.Format{{PayloadType: 0, Encoding: "PCMU", ClockRate: 8000}}},
		{Type: "audio", Formats: []rtsp.Format{{PayloadType: 98, Encoding: "G726-16", ClockRate: 8000}}},
		{Type: "audio", Formats: []rtsp.Format{
			{PayloadType: 98, Encoding: "G726-16", ClockRate: 8000}, {PayloadType: 8, Encoding: "PCMA", ClockRate: 8000},
			{PayloadType: 97, Encoding: "OPUS", ClockRate: 48000, Channels: 2},
		}},
	}}
	m, track, err := newAudioTrack(d)
	if err != nil || m != &d.Medias[2] {
		t.Fatalf("got %v, %v", m, err)
	}
	wantReasons := []string{
		"audio PCMU/8000: it is for sound that the camera is to play", "audio G726-16/8000: g726-16 is not recorded",
	}
	if reasons := unrecordedAudio(d); !slices.Equal(reasons, wantReasons) {
		t.Errorf("not recorded: %q", reasons)
	}
	track.feed = &audioFeed{log: slog.Default()}
	for i, payloadType := range []uint8{97, 8, 98, 97} {
		track.add(&rtp.Packet{PayloadType: payloadType, Timestamp: int64(i * 960), Payload: []byte{0xf8, 0xff, 0xfe}})
	}
	var codecs []string
	for _, f := range track.feed.frames {
		codecs = append(codecs, f.Entry.RFC6381Codec)
	}
	if got := strings.Join(codecs, " "); got != "opus alaw opus" {
		t.Errorf("recorded are %s", got)
	}
	if first, last := track.feed.frames[0], track.feed.frames[2]; first.Entry != last.Entry {
		t.Error("the configuration of Opus is another one the second time")
	}
}

// TestADTSKnowsBetter ensures that where AAC says itself that it has another sample rate than the
// session description, or other channels, it is recorded with what it says, and dated by what
// its time stamps count; and that a description that says more than ADTS can stays.
func TestADTSKnowsBetter(t *testing.T) {
	const mono16k, stereo48k, mono12k = "\x60\x40", "\x4c\x80", "\x64\x40" // the rate and channels of ADTS
	for name, test := range map[string]struct {
		config string // of the description
		clock  int
		adts   string
		ticks  int64 // from one access unit to the next

		rate        uint32
		channels    uint16
		codec       string
		distance90k moonfirefs.Duration90k
		lost        int
	}{
		"as announced":                   {"1408", 16000, mono16k, 1024, 16000, 1, "mp4a.40.2", 5760, 0},
		"announced with SBR":             {"2c0a8800", 32000, mono16k, 2048, 16000, 1, "mp4a.40.5", 5760, 0},
		"another rate, counts samples":   {"1588", 8000, mono16k, 1024, 16000, 1, "mp4a.40.2", 5760, 1},
		"another rate, counts announced": {"1588", 8000, mono16k, 512, 16000, 1, "mp4a.40.2", 5760, 1},
		"another rate, counts 1/90 000":  {"1588", 90000, mono16k, 5760, 16000, 1, "mp4a.40.2", 5760, 0},
		"an uneven rate":                 {"1408", 16000, mono12k, 1365, 12000, 1, "mp4a.40.2", 7678, 1},
		"other channels":                 {"1188", 48000, stereo48k, 1024, 48000, 2, "mp4a.40.2", 1920, 0},
	} {
		_, track, err := newAudioTrack(&rtsp.Description{Medias: []rtsp.Media{{Type: "audio", Formats: []rtsp.Format{
			{PayloadType: 97, Encoding: "MPEG4-GENERIC", ClockRate: test.clock, Parameters: map[string]string{"config": test.config}},
		}}}})
		if err != nil {
			t.Fatal(name, err)
		}
		track.feed = &audioFeed{log: slog.Default()}
		unit := "\xff\xf1" + test.adts + "\x01\x40\xfcabc"
		for i := range int64(10) {
			track.add(&rtp.Packet{PayloadType: 97, Timestamp: 1e9 + i*test.ticks, Payload: []byte("\x00\x10\x00\x50" + unit), Marker: true})
			track.report(rtp.Report{Camera90k: 1000 * i, Timestamp: 1e9 + i*test.ticks})
		}
		frames := track.feed.frames
		if len(frames) != 10-test.lost {
			t.Fatalf("%s: %d samples", name, len(frames))
		}
		for i, f := range frames {
			e := f.Entry
			if string(f.Data) != "abc" || e.SampleRate != test.rate || e.Channels != test.channels || e.RFC6381Codec != test.codec {
				t.Fatalf("%s: sample %d is %q of %+v", name, i, f.Data, e)
			}
			if i > 0 {
				if distance := f.Offset90k - frames[i-1].Offset90k; distance < test.distance90k-1 || distance > test.distance90k+1 {
					t.Fatalf("%s: sample %d is %d after the one before", name, i, distance)
				}
			}
		}
		if got, want := track.feed.alignment.audio.reported90k, 9000-int64(frames[len(frames)-1].Offset90k); got != want {
			t.Errorf("%s: by its reports, audio is at %d, want %d", name, got, want)
		}
	}
}

// FuzzAudioCodec: whatever a camera says and sends, samples have bytes, a duration and a
// configuration that can be recorded.
func FuzzAudioCodec(f *testing.F) {
	f.Add("OPUS", 48000, 2, "", "", "", []byte{0xf8, 0xff, 0xfe})
	f.Add("OPUS", 48000, 2, "", "", "", []byte{0xff, 0x3f, 1})
	f.Add("L16", 44100, 2, "", "", "", []byte("abcde"))
	f.Add("PCMU", 8000, 1, "", "", "", []byte("abc"))
	f.Add("MP4A-LATM", 16000, 1, "0", "40002810", "", []byte("\x03abc"))
	f.Add("MP4A-LATM", 90000, 1, "1", "", "", []byte("\x20\x00\x14\x08\x1f\xe0\x01\x30\xb0"))
	f.Add("MPEG4-GENERIC", 16000, 1, "", "1408", "13", []byte("\x00\x10\x00\x18abc"))
	f.Add("MPEG4-GENERIC", 8000, 1, "", "1588", "13", []byte("\x00\x10\x00\x50\xff\xf1\x60\x40\x01\x40\xfcabc"))
	f.Fuzz(func(t *testing.T, encoding string, rate, channels int, present, config, size string, payload []byte) {
		codec, err := newAudioCodec(&rtsp.Format{Encoding: encoding, ClockRate: rate, Channels: channels, Parameters: map[string]string{
			"cpresent": present, "config": config, "sizelength": size,
		}})
		if err != nil {
			return
		}
		total := 0
		for range 2 {
			_ = codec.add(&rtp.Packet{Payload: payload, Marker: true}, func(s audioSample) {
				if total += len(s.data); len(s.data) == 0 || s.duration90k < 0 || s.entry == nil || s.entry.Problem() != "" {
					t.Fatalf("sample %+v of %+v", s, s.entry)
				}
			})
		}
		if total > 2*len(payload) {
			t.Fatalf("%d bytes of %d", total, 2*len(payload))
		}
	})
}
