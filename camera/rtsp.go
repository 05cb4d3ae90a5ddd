// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/rtp"
	"github.com/moonfirefs/moonfirefs/internal/rtsp"
)

const (
	// reportEvery is how often a camera is told that its packets arrive (RFC 3550 §6.2).
	reportEvery = 5 * time.Second
	// patience is how long a packet that is missing is waited for, also on a connection:
	// some cameras send them there in another order than they number them.
	patience = 100 * time.Millisecond
	// audioAlone is how long audio may come before the first video, and nothingBeside how long
	// nothing at all where both were asked for.
	audioAlone    = 5 * time.Second
	nothingBeside = 10 * time.Second
	// byePatience is how long after a goodbye something may come all the same: what was
	// underway by UDP, or another source.
	byePatience = 300 * time.Millisecond
)

// rtspSource is a session of RTSP, which has both the video and the audio.
type rtspSource struct {
	session *Session
	conn    *rtsp.Conn
	secrets secrets
	log     *slog.Logger

	habits *Habits
	// played is when the camera began to play.
	played time.Time

	video *videoTrack
	// audio is nil if none was set up.
	audio *audioTrack
	// hasVideo says that there has been an access unit of the video, asksAudio that the
	// camera was asked for audio and has not refused it.
	hasVideo, asksAudio bool
	// name is that under which we report, and next when.
	name uint32
	next time.Time
	// ended says that the assembler has been told that nothing follows.
	ended bool
	// err is what went wrong with a packet.
	err error
	// cancel releases the context of the connection.
	cancel context.CancelCauseFunc
}

// videoTrack is the video of a session.
type videoTrack struct {
	stream    *rtp.Stream
	assembler *rtp.Assembler
	clock     clockRate
}

// clockRate is that of RTP time stamps, in Hz.
type clockRate int64

// to90k converts a time stamp; it is rounded.
func (c clockRate) to90k(timestamp int64) int64 {
	if c == moonfirefs.UnitsPerSecond {
		return timestamp
	}
	whole, rest := timestamp/int64(c), timestamp%int64(c)
	rest = rest * 2 * moonfirefs.UnitsPerSecond / int64(c)
	if rest >= 0 {
		rest++
	}
	return whole*moonfirefs.UnitsPerSecond + rest>>1
}

// openRTSP connects a session to a camera.
func openRTSP(ctx context.Context, cfg Config, s *Session) error {
	target, err := newTarget(cfg)
	if err != nil {
		return err
	}
	if cfg.Transport != moonfirefs.TCP && cfg.Transport != moonfirefs.UDP {
		return fmt.Errorf("unknown transport %q", cfg.Transport)
	}
	source := &rtspSource{session: s, secrets: newSecrets(cfg), log: cfg.Logger, habits: cfg.Habits, name: rand.Uint32()}
	opening, cancel := context.WithCancelCause(ctx)
	source.cancel = cancel
	limit := time.AfterFunc(cfg.FrameTimeout, func() { cancel(errNoVideoWithin(cfg.FrameTimeout)) })
	err = source.open(opening, cfg, target)
	if !limit.Stop() && err == nil {
		err = context.Cause(opening)
	}
	if err != nil {
		source.close()
		return source.describe(err)
	}
	s.source = source
	return nil
}

// open connects, and makes the camera play. The connection stops when ctx does.
func (r *rtspSource) open(ctx context.Context, cfg Config, target target) (err error) {
	r.conn, err = rtsp.Dial(ctx, rtsp.Config{
		URL: target.url, Username: target.username, Password: target.password, HasCredentials: target.authenticates,
		UDP: cfg.Transport == moonfirefs.UDP, Certificate: rtsp.Certificate(cfg.Certificate),
		Timeout: cfg.SocketTimeout, Habits: &cfg.Habits.rtsp, Probe: cfg.Probe, Trace: r.trace,
	})
	if err != nil {
		return err
	}
	for {
		var moved *rtsp.MovedError
		if err := r.play(ctx, cfg); !errors.As(err, &moved) {
			return err
		}
		if err := r.conn.Follow(ctx, moved); err != nil {
			return err
		}
	}
}

// play makes the camera play. The error wraps *rtsp.MovedError if it wants to be asked
// elsewhere.
func (r *rtspSource) play(ctx context.Context, cfg Config) error {
	r.session.description = Description{Fingerprint: r.conn.Fingerprint()}
	r.audio, r.session.audio = nil, nil
	description, err := r.conn.Describe(ctx)
	if err != nil {
		return err
	}
	media, err := r.session.describeVideo(description)
	if err != nil {
		return err
	}
	if err := r.setUpVideo(media); err != nil {
		return err
	}
	if err := r.setUpAudio(description, cfg); err != nil {
		return err
	}
	r.played = time.Now()
	err = r.conn.Play(r.take)
	r.session.description.Authentication = r.conn.Authentication()
	return err
}

// trace logs what the camera says.
func (r *rtspSource) trace(event, text string) {
	if r.log.Enabled(context.Background(), slog.LevelDebug) {
		r.log.Debug("camera says", "what", event, "text", r.secrets.redact(text))
	}
}

// describeVideo chooses the video: the first one that can be recorded, and Motion JPEG only
// where there is no other.
func (s *Session) describeVideo(d *rtsp.Description) (*rtsp.Media, error) {
	s.description.NotRecorded = unrecordedAudio(d)
	var chosen *rtsp.Media
	defer func() {
		if chosen != nil {
			s.description.NotRecorded = append(unrecorded(d, chosen), s.description.NotRecorded...)
		}
	}()
	var refused *rtsp.Format
	var pictures *rtsp.Media // of Motion JPEG
	var picturesFormat int
	for i := range d.Medias {
		m := &d.Medias[i]
		if m.Type == "audio" && !m.BackChannel && len(m.Formats) > 0 {
			s.description.Audio = append(s.description.Audio, m.Formats[0].String())
		}
	}
	for i := range d.Medias {
		m := &d.Medias[i]
		if m.Type != "video" || m.BackChannel || len(m.Formats) == 0 {
			continue
		}
		for j := range m.Formats {
			f := &m.Formats[j]
			if f.Encoding == "JPEG" && pictures == nil {
				pictures, picturesFormat = m, j
			} else if s.describeFormat(f) {
				m.Formats = m.Formats[j : j+1]
				chosen = m
				return m, nil
			}
		}
		if refused == nil {
			refused = &m.Formats[0]
		}
	}
	switch {
	case pictures != nil:
		pictures.Formats = pictures.Formats[picturesFormat : picturesFormat+1]
		s.description.Codec, s.video, s.description.Sprop = "Motion JPEG", newMJPEGStream(), true
		return pictures, nil
	case refused == nil:
		return nil, errNoVideo
	}
	return nil, fmt.Errorf("the camera sends %s, which is not recorded: set it to H.264, H.265 or AV1", codecName(refused))
}

// unrecorded lists the streams that are neither audio nor the video that was chosen, with the
// reason.
func unrecorded(d *rtsp.Description, chosen *rtsp.Media) (reasons []string) {
	for i := range d.Medias {
		m := &d.Medias[i]
		switch {
		case m == chosen || m.Type == "audio" || len(m.Formats) == 0:
		case m.Type == "video":
			reasons = append(reasons, fmt.Sprintf("video %s: another stream of video is recorded", &m.Formats[0]))
		default:
			reasons = append(reasons, fmt.Sprintf("%s %s: it is neither video nor audio", m.Type, &m.Formats[0]))
		}
	}
	return reasons
}

// describeFormat takes over the parameter sets of the session description
// (sprop-parameter-sets, RFC 6184 §8.1; sprop-vps, sprop-sps and sprop-pps, RFC 7798
// §7.1), if a format can be recorded.
func (s *Session) describeFormat(f *rtsp.Format) bool {
	var sprop [][]byte
	switch f.Encoding {
	case "H264":
		s.description.Codec, s.video = "H.264", newH264Stream()
		sprop = parameterSets(f.Parameters["sprop-parameter-sets"])
	case "H265", "HEVC":
		s.description.Codec, s.video = "H.265", newH265Stream()
		for _, name := range []string{"sprop-vps", "sprop-sps", "sprop-pps"} {
			sprop = append(sprop, parameterSets(f.Parameters[name])...)
		}
	case "AV1":
		s.description.Codec, s.video = "AV1", newAV1Stream()
		s.description.Sprop = true // in no description, and none is missed
		return true
	default:
		return false
	}
	s.description.Sprop = len(sprop) > 0
	s.video.learn(sprop)
	return true
}

// parameterSets reads a list of NAL units in base64. Some cameras put a start code
// before each.
func parameterSets(list string) (units [][]byte) {
	for text := range strings.SplitSeq(list, ",") {
		data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(text), "="))
		if err == nil {
			units = appendUnits(units, data)
		}
	}
	return units
}

// codecName is what people call a codec.
func codecName(f *rtsp.Format) string {
	switch f.Encoding {
	case "MP4V-ES":
		return "mpeg4"
	case "MPA":
		return "mp2"
	case "":
		return f.String()
	}
	return strings.ToLower(f.Encoding)
}

// setUpVideo asks for the video.
func (r *rtspSource) setUpVideo(m *rtsp.Media) error {
	number, err := r.conn.Setup(m)
	if err != nil {
		return err
	}
	f := &m.Formats[0]
	r.video = &videoTrack{clock: rateOf(f)}
	config := streamConfig(r.conn, number)
	config.PayloadTypes = []uint8{f.PayloadType}
	r.video.stream = rtp.NewStream(config, func(p *rtp.Packet) {
		if r.err == nil {
			r.err = r.video.assembler.Add(p)
		}
	})
	switch f.Encoding {
	case "H264":
		r.video.assembler = rtp.NewH264(r.deliver)
	case "AV1":
		r.video.assembler = rtp.NewAV1(r.deliver)
	case "JPEG":
		r.video.assembler = rtp.NewJPEG(r.deliver)
	default:
		don := f.Parameters["sprop-max-don-diff"]
		r.video.assembler = rtp.NewH265(don != "" && strings.Trim(don, "0") != "", r.deliver)
	}
	r.video.assembler.Reserve(func(sizeBytes int) error { return r.session.share.add(int64(sizeBytes)) })
	return nil
}

// rateOf is the rate of a format's clock.
func rateOf(f *rtsp.Format) clockRate {
	if f.ClockRate > 0 {
		return clockRate(f.ClockRate)
	}
	return moonfirefs.UnitsPerSecond
}

// streamConfig says which packets belong to a stream.
func streamConfig(conn *rtsp.Conn, number int) rtp.StreamConfig {
	config := rtp.StreamConfig{Patience: patience}
	config.Source, config.HasSource = conn.Source(number)
	return config
}

// take takes a packet that has come.
func (r *rtspSource) take(p *rtsp.Packet) {
	switch {
	case p.Media == videoNumber && p.Control:
		if report, ok := r.video.stream.ReceiveControl(p.Data, p.Arrived); ok {
			r.reportVideo(report)
		}
	case p.Media == videoNumber:
		r.video.stream.Receive(p.Data, p.Arrived)
		if report, ok := r.video.stream.FirstReport(); ok {
			r.reportVideo(report)
		}
	case r.audio == nil || p.Media != audioNumber:
	case p.Control:
		if report, ok := r.audio.stream.ReceiveControl(p.Data, p.Arrived); ok {
			r.audio.report(report)
		}
	default:
		r.audio.stream.Receive(p.Data, p.Arrived)
		if report, ok := r.audio.stream.FirstReport(); ok {
			r.audio.report(report)
		}
	}
}

// The video is set up first.
const (
	videoNumber = 0
	audioNumber = 1
)

func (r *rtspSource) reportVideo(report rtp.Report) {
	if f := r.session.audio; f != nil {
		f.alignment.video.report(report.Camera90k, r.video.clock.to90k(report.Timestamp))
	}
}

// deliver takes an access unit.
func (r *rtspSource) deliver(u *rtp.AccessUnit) error {
	if !r.hasVideo {
		r.hasVideo = true
		if r.habits.videoCame(r.asksAudio) {
			r.log.Warn("no audio from the camera", "err", errAudioAlone)
		}
	}
	clock := r.video.clock
	au := accessUnit{units: u.Units, pts90k: clock.to90k(u.Timestamp), arrived: u.Arrived, damaged: u.Damaged}
	if u.HasNext {
		au.lasts90k = clock.to90k(u.Timestamp+u.Lasts) - au.pts90k
	}
	if f := r.session.audio; f != nil {
		f.alignment.video.observe(au.pts90k, u.Arrived)
	}
	pictures, err := r.session.add(&au)
	if pictures > 1 {
		r.video.assembler.DistrustMarkers() // they share the time until the next one
	}
	return err
}

// receive is of source.
func (r *rtspSource) receive() error {
	err := r.conn.Receive()
	now := time.Now()
	r.video.stream.Settle(now)
	if r.audio != nil {
		r.audio.stream.Settle(now)
	}
	if r.err == nil {
		r.err = r.video.assembler.Settle()
	}
	switch {
	case r.err != nil:
		return r.err
	case err == nil:
		err = r.ending(now)
	}
	if err != nil {
		r.finish()
		return r.describe(err)
	}
	return r.report(now)
}

// finish hands over what is complete although nothing follows.
func (r *rtspSource) finish() {
	if !r.ended {
		r.ended = true
		_ = r.video.assembler.End() // the session is over in any case
	}
}

// ending tells why there is no use in going on although the session does.
func (r *rtspSource) ending(now time.Time) error {
	if at, ended := r.video.stream.Ended(); ended && now.Sub(at) >= byePatience {
		return errGoodbye
	}
	if r.audio == nil || r.hasVideo || r.habits.provesAudio() {
		return nil
	}
	allowed := nothingBeside
	if r.audio.stream.Counters().Packets > 0 {
		allowed = audioAlone
	}
	if now.Sub(r.played) >= allowed {
		return errAudioAlone
	}
	return nil
}

// report tells the camera that its packets arrive.
func (r *rtspSource) report(now time.Time) error {
	if now.Before(r.next) {
		return nil
	}
	r.next = now.Add(reportEvery)
	streams := []*rtp.Stream{r.video.stream}
	if r.audio != nil {
		streams = append(streams, r.audio.stream)
	}
	for number, stream := range streams {
		if packet := stream.ReceiverReport(r.name, now); packet != nil {
			if err := r.conn.SendControl(number, packet); err != nil {
				return r.describe(err)
			}
		}
	}
	return nil
}

// keptAliveBy is of source.
func (r *rtspSource) keptAliveBy() string { return r.conn.KeptAliveBy() }

// counters is of source.
func (r *rtspSource) counters() Counters {
	c := Counters{Resyncs: r.conn.Resyncs()}
	add := func(s *rtp.Stream) {
		counted := s.Counters()
		c.Packets += counted.Packets
		c.Lost += counted.Lost
		c.Duplicates += counted.Duplicates
		c.Foreign += counted.Foreign + counted.Malformed
		c.Restarts += counted.Restarts
	}
	add(r.video.stream)
	if r.audio != nil {
		add(r.audio.stream)
	}
	return c
}

// stop is of source.
func (r *rtspSource) stop(cause error) { r.conn.Stop(cause) }

// close is of source.
func (r *rtspSource) close() {
	if !r.hasVideo && r.video != nil {
		r.habits.noVideoCame(r.asksAudio)
	}
	if r.conn != nil {
		r.conn.Close()
	}
	r.cancel(ErrClosed)
}
