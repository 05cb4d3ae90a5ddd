// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const (
	audioPayloadType = 97
	defaultAudioRate = 16000
	// audioOrigin is the RTP time stamp of the first frame of audio.
	audioOrigin = 2_000_000_000
	// reportEvery is how often sender reports are sent, in the camera's time: often
	// enough that recordings of some seconds need not begin without.
	reportEvery = 200 * time.Millisecond
)

// Audio is what is heard, encoded beforehand: a tone that rises, and a beep at each
// second. A camera repeats it for ever. Each frame has bytes of its own.
type Audio struct {
	Codec        AudioCodec
	SampleRate   int
	FrameSamples int
	Frames       [][]byte
}

// EncodeAudio makes some seconds of audio, mono. A sample rate of 0 means the
// default; that of G.711 is always 8 kHz, that of Opus 48 kHz.
func EncodeAudio(ctx context.Context, codec AudioCodec, sampleRate, seconds int) (*Audio, error) {
	s := &Audio{Codec: codec, SampleRate: codec.sampleRate(sampleRate)}
	s.FrameSamples = codec.frameSamples(s.SampleRate)
	out, err := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-f", "lavfi", "-i",
		fmt.Sprintf("aevalsrc='0.2*sin(2*PI*(300+37*t)*t)+if(lt(mod(t,1),0.08),0.6*sin(2*PI*2000*t),0)':s=%d:d=%d", s.SampleRate, seconds),
		"-c:a", encodings[codec].encoder, "-ac", "1", "-f", encodings[codec].container, "-").Output()
	if err != nil {
		return nil, fmt.Errorf("test camera: encode audio: %w", err)
	}
	s.Frames, err = codec.split(out, s.FrameSamples)
	return s, err
}

// Elapsed is when frame n begins, after the first one and after the first picture.
func (s *Audio) Elapsed(n int64) time.Duration {
	return time.Duration(n) * time.Duration(s.FrameSamples) * time.Second / time.Duration(s.SampleRate)
}

// SentAudio is a frame of audio that was sent to a client.
type SentAudio struct {
	// Run counts the sessions that have listened, from 1.
	Run int
	// Index counts the frames of the source, from 0, sent or not.
	Index int64
	Data  []byte
	// Time is when the frame was handed to the network.
	Time time.Time
}

// listener is a client session that has set up the audio.
type listener struct {
	run      int
	sequence uint16
}

// playAudio delivers frames at the times that they are due, until ctx is
// cancelled.
func (c *Camera) playAudio(ctx context.Context, start time.Time) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := int64(0); ; n++ {
		// A frame can be sent when its last sample has been recorded.
		due := time.Duration(float64(c.config.Audio.Elapsed(n+1)+c.config.AudioDelay) / c.config.Speed)
		timer.Reset(due - time.Since(start))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		c.deliverAudio(n)
	}
}

func (c *Camera) deliverAudio(n int64) {
	audio := c.config.Audio
	data := audio.Frames[n%int64(len(audio.Frames))]
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.silent || c.stalled {
		return
	}
	payload, err := audio.payload(data)
	if err != nil {
		panic(err) // it is of our own making
	}
	for session, l := range c.listeners {
		l.sequence++
		packet := &rtp.Packet{
			Header: rtp.Header{
				Version: 2, Marker: true, PayloadType: audioPayloadType, SequenceNumber: l.sequence,
				Timestamp: uint32(audioOrigin + audio.rtpTime(n)),
			},
			Payload: payload,
		}
		if err := session.WritePacketRTP(c.audio, packet); err != nil {
			delete(c.listeners, session)
			session.Close()
			continue
		}
		if keep := c.config.KeepSent; keep > 0 && len(c.sentAudio) >= 2*keep {
			c.sentAudio = slices.Clone(c.sentAudio[len(c.sentAudio)-keep:])
		}
		c.sentAudio = append(c.sentAudio, SentAudio{Run: l.run, Index: n, Data: data, Time: time.Now()})
	}
}

// report sends sender reports (RFC 3550 §6.4.1) to all sessions: for both streams
// the same moment, by a clock that nobody has set right.
func (c *Camera) report(ctx context.Context, start time.Time) {
	ticker := time.NewTicker(time.Duration(float64(reportEvery) / c.config.Speed))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		played := time.Duration(float64(time.Since(start)) * c.config.Speed)
		c.mu.Lock()
		for session := range c.players {
			c.sendReport(session, c.media, played, uint32(int64(c.config.RTPOrigin)+int64(played*9/100_000)))
		}
		for session := range c.listeners {
			c.sendReport(session, c.audio, played, uint32(audioOrigin+int64(played.Seconds()*float64(c.config.Audio.clockRate()))))
		}
		c.mu.Unlock()
	}
}

func (c *Camera) sendReport(session *gortsplib.ServerSession, media *description.Media, played time.Duration, rtpTime uint32) {
	clock := time.Unix(1_000_000_000, 0).Add(played)
	const since1900 = 2_208_988_800
	ntp := uint64(clock.Unix()+since1900)<<32 | uint64(clock.Nanosecond())<<32/1_000_000_000
	// One that cannot be sent any more is none of the tests' business.
	_ = session.WritePacketRTCP(media, &rtcp.SenderReport{SSRC: sourceOf(session, media), NTPTime: ntp, RTPTime: rtpTime})
}

// sourceOf is the synchronization source of what a session gets of a media stream.
func sourceOf(session *gortsplib.ServerSession, media *description.Media) uint32 {
	for _, format := range session.Stats().Medias[media].Formats {
		return format.LocalSSRC
	}
	return 0
}

// Silence makes the camera send no audio, and Speak makes it go on.
func (c *Camera) Silence() { c.setSilent(true) }

// Speak ends Silence.
func (c *Camera) Speak() { c.setSilent(false) }

func (c *Camera) setSilent(silent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = silent
}

// SentAudio returns the frames of audio that were sent, in order.
func (c *Camera) SentAudio() []SentAudio {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sentAudio)
}

// medias are what the session description lists.
func (c *Camera) medias() []*description.Media {
	all := []*description.Media{c.media}
	if c.other != nil {
		all = append(all, c.other)
	}
	if c.audio != nil {
		all = append(all, c.audio)
	}
	return all
}

// String names it in tests.
func (s *Audio) String() string { return string(s.Codec) + " " + strconv.Itoa(s.SampleRate) }
