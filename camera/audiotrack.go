// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/rtp"
	"github.com/moonfirefs/moonfirefs/internal/rtsp"
)

// maxAudioFormats bounds the formats of the audio of a camera, each of which may keep what
// is incomplete.
const maxAudioFormats = 8

// audioTrack is the audio of a session. Which of the announced formats it has, the first
// packet says.
type audioTrack struct {
	feed   *audioFeed
	stream *rtp.Stream
	// formats are by their payload types.
	formats map[uint8]*audioFormat
	// format is that of the last packet; nil before the first one.
	format *audioFormat
	// entry is the configuration of the last sample; nil before the first one.
	entry *moonfirefs.AudioSampleEntry
	// told says that the log has it that a format is not recorded.
	told bool
}

// audioFormat is what packets of a payload type have in them.
type audioFormat struct {
	clock clockRate
	codec audioCodec
	// err is why it is not recorded; nil if it is.
	err error
	// ticks finds out what the time stamps count where the clock may be another one.
	ticks ticks
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
	var moved *rtsp.MovedError
	switch {
	case errors.As(err, &refusal), errors.As(err, &moved), errors.Is(err, rtsp.ErrTransport):
		r.asksAudio = false
		r.log.Warn("no audio from the camera", "err", r.describe(err))
		return nil
	case err != nil:
		return err
	}
	config := streamConfig(r.conn, number)
	for payloadType := range track.formats {
		config.PayloadTypes = append(config.PayloadTypes, payloadType)
	}
	track.feed = &audioFeed{log: cfg.Logger, share: &r.session.share, delay: cfg.AudioDelay}
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
		for j := range m.Formats[:min(len(m.Formats), maxAudioFormats)] {
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

// unrecordedAudio lists the streams of audio that are not recorded, with the reason.
func unrecordedAudio(d *rtsp.Description) (reasons []string) {
	chosen, _, _ := newAudioTrack(d)
	for i := range d.Medias {
		m := &d.Medias[i]
		if m.Type != "audio" || len(m.Formats) == 0 || m == chosen {
			continue
		}
		f := &m.Formats[0]
		reason := "another stream of audio is recorded"
		if m.BackChannel {
			reason = "it is for sound that the camera is to play"
		} else if _, err := newAudioCodec(f); err != nil {
			reason = err.Error()
		}
		reasons = append(reasons, fmt.Sprintf("audio %s: %s", f, reason))
	}
	return reasons
}

// newAudioFormat chooses the codec.
func newAudioFormat(f *rtsp.Format) *audioFormat {
	codec, err := newAudioCodec(f)
	return &audioFormat{clock: rateOf(f), codec: codec, err: err}
}

// add takes a packet.
func (t *audioTrack) add(p *rtp.Packet) {
	t.format = t.formats[p.PayloadType]
	if t.format.err != nil {
		t.refuse(t.format.err)
		return
	}
	var after90k moonfirefs.Duration90k
	samples := 0
	err := t.format.codec.add(p, func(sample audioSample) {
		if samples++; sample.misannounced && !t.format.settleClock(p, samples, sample.entry) {
			return
		}
		t.addSample(t.format.clock.to90k(p.Timestamp)+int64(after90k), &sample, p)
		after90k += sample.duration90k
	})
	if err != nil {
		t.refuse(err)
	}
}

// ticks are the time stamps of two packets in a row.
type ticks struct {
	// settled says that it is known what they count.
	settled bool
	// timestamp is that of the last packet, which has so many access units: 0 before the first.
	timestamp int64
	units     int
}

// known tells whether it is known what they count.
func (k *ticks) known() bool { return k.settled || k.units == 0 }

// settleClock tells whether it is known what time stamps count, given that the session
// description has another sample rate than the audio: the units of that rate, or the samples.
// It is called for each access unit of a packet, with its number from 1 on. Until it is known,
// which takes two packets, audio cannot be dated.
func (f *audioFormat) settleClock(p *rtp.Packet, number int, entry *moonfirefs.AudioSampleEntry) bool {
	k := &f.ticks
	switch {
	case k.settled:
		return true
	case number > 1 || k.units == 0 || p.Gap:
		k.timestamp, k.units = p.Timestamp, number
		return false
	}
	k.settled = true
	if p.Timestamp-k.timestamp == int64(k.units)*int64(entry.FrameSamples) {
		f.clock = clockRate(entry.SampleRate)
	}
	return true
}

// refuse tells once why audio is not recorded.
func (t *audioTrack) refuse(err error) {
	if !t.told {
		t.told = true
		t.feed.log.Warn("no audio from the camera", "err", err)
	}
}

// addSample keeps a sample.
func (t *audioTrack) addSample(pts90k int64, sample *audioSample, p *rtp.Packet) {
	if sample.entry != t.entry {
		t.entry = sample.entry
		t.feed.log.Info("audio configuration", "codec", t.entry.RFC6381Codec, "sample_rate", t.entry.SampleRate, "channels", t.entry.Channels)
	}
	t.feed.add(&AudioFrame{
		Offset90k: moonfirefs.Duration90k(pts90k), Duration90k: sample.duration90k,
		Data: bytes.Clone(sample.data), Entry: sample.entry,
	}, p.Arrived)
}

// report takes a sender report.
func (t *audioTrack) report(report rtp.Report) {
	if t.format != nil && t.format.ticks.known() {
		t.feed.alignment.audio.report(report.Camera90k, t.format.clock.to90k(report.Timestamp))
	}
}
