// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/rtp"
	"github.com/moonfirefs/moonfirefs/internal/rtsp"
)

// audioTrack is the audio of a session. Which of the announced formats it has, the first
// packet says.
type audioTrack struct {
	feed   *audioFeed
	stream *rtp.Stream
	// formats are by their payload types.
	formats map[uint8]*audioFormat
	// format is that of the last packet; nil before the first one.
	format *audioFormat
	// told says that the log has it that a format is not recorded.
	told bool
}

// audioFormat is what packets of a payload type have in them.
type audioFormat struct {
	name  string
	entry *moonfirefs.AudioSampleEntry
	// err is why it is not recorded; nil if it is.
	err   error
	clock clockRate
	// aac is nil if a packet is a sample.
	aac *rtp.AAC
}

// setUpAudio asks for the audio, if it is wanted and there is some. Trouble with it is
// none of the video's.
func (r *rtspSource) setUpAudio(d *rtsp.Description, cfg Config) error {
	if !cfg.Audio || len(r.session.description.Audio) == 0 {
		return nil
	}
	if !r.habits.allowsAudio() {
		r.log.Debug("audio is left out", "err", errAudioAlone)
		return nil
	}
	media, track, err := newAudioTrack(d)
	if err != nil {
		r.log.Warn("no audio from the camera", "err", err)
		return nil
	}
	r.asksAudio = true
	number, err := r.conn.Setup(media)
	var refusal *rtsp.StatusError
	switch {
	case errors.As(err, &refusal), errors.Is(err, rtsp.ErrTransport):
		r.asksAudio = false
		r.log.Warn("no audio from the camera", "err", r.describe(err))
		return nil
	case err != nil:
		return err
	}
	config := streamConfig(r.conn, number, cfg)
	for payloadType := range track.formats {
		config.PayloadTypes = append(config.PayloadTypes, payloadType)
	}
	track.feed = &audioFeed{log: cfg.Logger, delay: cfg.AudioDelay}
	track.stream = rtp.NewStream(config, track.add)
	r.audio, r.session.audio = track, track.feed
	return nil
}

// newAudioTrack chooses the audio: the first that can be recorded in one of its formats.
func newAudioTrack(d *rtsp.Description) (*rtsp.Media, *audioTrack, error) {
	var refused error
	for i := range d.Medias {
		m := &d.Medias[i]
		if m.Type != "audio" || m.BackChannel {
			continue
		}
		track := &audioTrack{formats: map[uint8]*audioFormat{}}
		recorded := false
		for j := range m.Formats {
			f := newAudioFormat(&m.Formats[j])
			track.formats[m.Formats[j].PayloadType] = f
			recorded = recorded || f.err == nil
			if refused == nil {
				refused = f.err
			}
		}
		if recorded {
			return m, track, nil
		}
	}
	return nil, nil, refused
}

// newAudioFormat makes the sample entry.
func newAudioFormat(f *rtsp.Format) *audioFormat {
	a := &audioFormat{name: codecName(f), clock: rateOf(f)}
	switch f.Encoding {
	case "PCMA":
		a.entry, a.err = g711SampleEntry("alaw", f.ClockRate, max(f.Channels, 1))
	case "PCMU":
		a.entry, a.err = g711SampleEntry("ulaw", f.ClockRate, max(f.Channels, 1))
	case "MPEG4-GENERIC":
		a.aac, a.err = newAAC(f.Parameters)
		if config, err := hex.DecodeString(f.Parameters["config"]); err != nil {
			a.err = errAACConfig
		} else if a.err == nil {
			a.entry, a.err = aacSampleEntry(config)
		}
	default:
		a.err = fmt.Errorf("%s is not recorded", a.name)
	}
	return a
}

// newAAC reads the lengths of the fields of access unit headers (RFC 3640 §4.1). Where a
// camera leaves them out, they are those of high bit-rate AAC.
func newAAC(parameters map[string]string) (*rtp.AAC, error) {
	a := &rtp.AAC{SizeBits: 13, IndexBits: 3, DeltaBits: 3}
	for name, bits := range map[string]*int{"sizelength": &a.SizeBits, "indexlength": &a.IndexBits, "indexdeltalength": &a.DeltaBits} {
		text := parameters[name]
		if text == "" {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 8)
		if err != nil || n > 32 {
			return nil, fmt.Errorf("AAC packets with a %s of %q are not recorded", name, text)
		}
		*bits = int(n)
	}
	if a.SizeBits == 0 {
		return nil, errors.New("AAC packets without sizes are not recorded")
	}
	return a, nil
}

// add takes a packet.
func (t *audioTrack) add(p *rtp.Packet) {
	f := t.formats[p.PayloadType]
	if f != t.format {
		t.begin(f)
	}
	if f.err != nil || len(p.Payload) == 0 {
		return
	}
	pts90k := f.clock.to90k(p.Timestamp)
	if f.aac == nil {
		t.addSample(f, pts90k, p.Payload, p)
		return
	}
	f.aac.Add(p, func(unit []byte) {
		if len(unit) > 0 {
			pts90k = t.addSample(f, pts90k, unit, p)
		}
	})
}

// begin notes that the packets are of another format.
func (t *audioTrack) begin(f *audioFormat) {
	t.format = f
	if f.err == nil {
		t.feed.log.Info("audio configuration", "codec", f.entry.RFC6381Codec, "sample_rate", f.entry.SampleRate, "channels", f.entry.Channels)
	} else if !t.told {
		t.told = true
		t.feed.log.Warn("no audio from the camera", "err", f.err)
	}
}

// addSample keeps a sample and returns when the next one begins.
func (t *audioTrack) addSample(f *audioFormat, pts90k int64, data []byte, p *rtp.Packet) (next90k int64) {
	frame := AudioFrame{
		Offset90k: moonfirefs.Duration90k(pts90k), Duration90k: f.entry.Duration90k(1, len(data)),
		Data: bytes.Clone(data), Entry: f.entry,
	}
	t.feed.add(&frame, p.Arrived)
	return pts90k + int64(frame.Duration90k)
}

// report takes a sender report.
func (t *audioTrack) report(report rtp.Report) {
	if t.format != nil {
		t.feed.alignment.audio.report(report.Camera90k, t.format.clock.to90k(report.Timestamp))
	}
}
