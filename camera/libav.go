// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// noPTS is AV_NOPTS_VALUE.
	noPTS = math.MinInt64
	// closeTimeout bounds the goodbye to a server that may be gone.
	closeTimeout = time.Second
	// analyzeFor is how long libavformat looks at a stream before it says what is in it.
	// What it reads meanwhile it keeps. If that is no video, it is waited for until maxAnalyze.
	analyzeFor = time.Second
	maxAnalyze = 10 * time.Second
)

// timeBase90k is the time base of Frame.PTS90k.
var timeBase90k = astiav.NewRational(1, moonfirefs.UnitsPerSecond)

// libavSource is a source that libavformat opens: everything but RTSP. Video and audio have
// one clock.
type libavSource struct {
	session       *Session
	log           *slog.Logger
	authenticates bool
	socketTimeout time.Duration
	frameTimeout  time.Duration
	libav         *libavLog
	memory        *libavMemory

	input       *astiav.FormatContext
	interrupter *interrupter
	// connected says that input is to be closed, not just freed.
	connected bool
	// unbind releases the context that was given to Open.
	unbind func() bool

	// video and audio are the streams that are read; audio is nil if none is. seen is how
	// many there were when they were chosen.
	video, audio *libavStream
	seen         int
	// wantsAudio and audioDelay are of the configuration.
	wantsAudio bool
	audioDelay time.Duration
	// filter puts start codes before the NAL units of the video, where the container has
	// lengths there.
	filter     *astiav.BitStreamFilterContext
	filterName string
	// sample makes samples of the packets of the audio.
	sample audioSampler
	// packet is what libavformat reads into, filtered what filter does.
	packet, filtered *astiav.Packet
	// hasPacket says that packet has been read and not been looked at.
	hasPacket bool
	// pace is nil but for files.
	pace *filePace
}

// libavStream is a stream of a container.
type libavStream struct {
	*astiav.Stream
	index    int
	timeBase astiav.Rational
	// next90k is where a sample of audio without a time stamp belongs, once there has been
	// one: behind that.
	next90k int64
	begun   bool
}

// openLibav connects a session to a source.
func openLibav(ctx context.Context, cfg Config, s *Session) error {
	source, err := newLibavSource(ctx, cfg, s)
	if err != nil {
		return err
	}
	if err := source.open(cfg); err != nil {
		source.close()
		return err
	}
	s.source = source
	return nil
}

// newLibavSource makes a source that must be closed.
func newLibavSource(ctx context.Context, cfg Config, s *Session) (*libavSource, error) {
	memory, err := newLibavMemory(cfg.Memory)
	if err != nil {
		return nil, err
	}
	l := &libavSource{
		session: s, log: cfg.Logger, socketTimeout: cfg.SocketTimeout, frameTimeout: cfg.FrameTimeout, memory: memory,
		input: astiav.AllocFormatContext(), packet: astiav.AllocPacket(), filtered: astiav.AllocPacket(),
	}
	if l.interrupter, err = newInterrupter(l.input); err != nil {
		l.input.Free()
		memory.close()
		return nil, err
	}
	l.libav = newLibavLog(cfg.Logger, newSecrets(cfg))
	l.unbind = context.AfterFunc(ctx, func() { l.interrupter.stop(context.Cause(ctx)) })
	return l, nil
}

// open connects and finds the streams.
func (l *libavSource) open(cfg Config) error {
	target, err := newTarget(cfg)
	if err != nil {
		return err
	}
	address, err := target.withUserInfo()
	if err != nil {
		return err
	}
	l.authenticates = target.authenticates
	options, err := libavOptions(cfg, target.scheme)
	if err != nil {
		return err
	}
	if target.scheme == "file" {
		l.pace = &filePace{}
	}
	limit := time.AfterFunc(cfg.FrameTimeout, func() { l.interrupter.stop(errNoVideoWithin(cfg.FrameTimeout)) })
	defer limit.Stop()
	if err := l.connect(address, options); err != nil {
		return err
	}
	l.enter()
	defer l.leave()
	l.wantsAudio, l.audioDelay = cfg.Audio, cfg.AudioDelay
	return l.selectStreams()
}

// enter is called before libav is, on the same goroutine, and leave thereafter. What libav
// allocates or frees in between is the session's.
func (l *libavSource) enter() {
	l.libav.enter()
	l.memory.enter()
}

func (l *libavSource) leave() {
	l.memory.leave()
	l.libav.leave()
}

// connect opens the input.
func (l *libavSource) connect(address string, options map[string]string) error {
	dictionary := astiav.NewDictionary()
	defer dictionary.Free()
	for name, value := range options {
		if err := dictionary.Set(name, value, 0); err != nil {
			return fmt.Errorf("set libav option %s: %w", name, err)
		}
	}
	start := time.Now()
	l.enter()
	err := l.input.OpenInput(address, nil, dictionary)
	l.leave()
	if err != nil {
		return l.describe(err, time.Since(start))
	}
	l.connected = true
	// libavformat leaves behind, without a word, the options that it does not
	// know.
	anyOption := astiav.NewDictionaryFlags(astiav.DictionaryFlagIgnoreSuffix)
	if left := dictionary.Get("", nil, anyOption); left != nil {
		return fmt.Errorf("this libavformat does not know the option %q", left.Key())
	}
	l.enter()
	err = l.input.FindStreamInfo(nil)
	l.leave()
	switch {
	case err != nil:
		return l.describe(err, time.Since(start))
	case l.memory.exceeded():
		return errMemory
	}
	return l.awaitVideo(start)
}

// awaitVideo reads until a video has been found. libavformat cannot be asked a second time
// what is in a stream: it follows a null pointer then.
func (l *libavSource) awaitVideo(start time.Time) error {
	for !l.hasVideo() && time.Since(start) < maxAnalyze {
		l.unref(l.packet)
		var err error
		if l.hasPacket, err = l.read(); err != nil {
			return err
		}
	}
	return nil
}

// hasVideo tells whether a video has been found. Where there is no table of contents, it
// is found with its first packet.
func (l *libavSource) hasVideo() bool {
	for _, stream := range l.input.Streams() {
		if stream.CodecParameters().MediaType() == astiav.MediaTypeVideo {
			return true
		}
	}
	return false
}

// selectStreams takes the first video, which must be recordable, and the first audio that
// is, of the streams that it has not seen yet.
func (l *libavSource) selectStreams() error {
	streams := l.input.Streams()
	for _, stream := range streams[l.seen:] {
		switch parameters := stream.CodecParameters(); parameters.MediaType() {
		case astiav.MediaTypeVideo:
			if l.video == nil {
				if err := l.selectVideo(stream); err != nil {
					return err
				}
			}
		case astiav.MediaTypeAudio:
			name := parameters.CodecID().Name()
			l.session.description.Audio = append(l.session.description.Audio, name+"/"+strconv.Itoa(parameters.SampleRate()))
			if l.wantsAudio && l.audio == nil {
				l.selectAudio(stream)
			}
		}
	}
	l.seen = len(streams)
	if l.video == nil {
		return errNoVideo
	}
	return nil
}

func (l *libavSource) selectVideo(stream *astiav.Stream) error {
	parameters := stream.CodecParameters()
	var filter string
	d := &l.session.description
	switch codec := parameters.CodecID(); codec {
	case astiav.CodecIDH264:
		d.Codec, l.session.video, filter = "H.264", newH264Stream(), "h264_mp4toannexb"
	case astiav.CodecIDHevc:
		d.Codec, l.session.video, filter = "H.265", newH265Stream(), "hevc_mp4toannexb"
	default:
		return fmt.Errorf("the camera sends %s, which is not recorded: set it to H.264 or H.265", codec.Name())
	}
	d.Sprop = len(parameters.ExtraData()) > 0
	l.video = &libavStream{Stream: stream, index: stream.Index(), timeBase: stream.TimeBase()}
	l.filterName = filter
	return l.setUpFilter()
}

// setUpFilter makes the filter, in place of that of an earlier configuration. Parameter sets
// that the container has beside the samples, it puts before each key frame.
func (l *libavSource) setUpFilter() (err error) {
	if l.filter != nil {
		l.filter.Free()
		l.filter = nil
	}
	name, stream := l.filterName, l.video
	found := astiav.FindBitStreamFilterByName(name)
	if found == nil {
		return fmt.Errorf("this libavcodec has no %s", name)
	}
	if l.filter, err = astiav.AllocBitStreamFilterContext(found); err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	l.filter.SetInputTimeBase(stream.TimeBase())
	if err := stream.CodecParameters().Copy(l.filter.InputCodecParameters()); err != nil {
		return fmt.Errorf("set up %s: %w", name, err)
	}
	if err := l.filter.Initialize(); err != nil {
		return fmt.Errorf("set up %s: %w", name, err)
	}
	return nil
}

// selectAudio takes a stream of audio if it can be recorded.
func (l *libavSource) selectAudio(stream *astiav.Stream) {
	sampler, err := newAudioSampler(stream.CodecParameters())
	if err != nil {
		l.log.Warn("no audio from the camera", "err", err)
		return
	}
	l.sample = sampler
	l.audio = &libavStream{Stream: stream, index: stream.Index(), timeBase: stream.TimeBase()}
	l.session.audio = &audioFeed{log: l.log, share: &l.session.share, delay: l.audioDelay}
	l.session.audio.alignment.isKnown, l.session.audio.oneClock = true, true
}

// receive is of source.
func (l *libavSource) receive() error {
	// What comes, but is no picture, the session looks after.
	watchdog := time.AfterFunc(l.frameTimeout, func() { l.interrupter.stop(errNoVideoWithin(l.frameTimeout)) })
	defer watchdog.Stop()
	if cause := l.interrupter.stopped(); cause != nil {
		return cause
	}
	if !l.hasPacket {
		if has, err := l.read(); !has {
			return err
		}
	}
	l.hasPacket = false
	defer l.unref(l.packet)
	arrived := time.Now()
	if l.packet.StreamIndex() >= l.seen { // audio can begin later
		if err := l.selectStreams(); err != nil {
			return err
		}
	}
	switch index := l.packet.StreamIndex(); {
	case index == l.video.index:
		return l.takeVideo(arrived)
	case l.audio != nil && index == l.audio.index:
		return l.takeAudio(arrived)
	}
	return nil
}

// read reads a packet, if there is one.
func (l *libavSource) read() (has bool, err error) {
	start := time.Now()
	l.enter()
	err = l.input.ReadFrame(l.packet)
	l.leave()
	switch {
	case errors.Is(err, astiav.ErrEagain):
		return false, nil
	case err != nil:
		return false, l.describe(err, time.Since(start))
	case l.memory.exceeded():
		l.unref(l.packet)
		return false, errMemory
	}
	return true, nil
}

// timestamp90k is when a packet is to be presented.
func (s *libavStream) timestamp90k(p *astiav.Packet) (pts90k int64, ok bool) {
	pts := p.Pts()
	if pts == noPTS {
		pts = p.Dts()
	}
	return astiav.RescaleQ(pts, s.timeBase, timeBase90k), pts != noPTS
}

// takeVideo hands an access unit to the session.
func (l *libavSource) takeVideo(arrived time.Time) error {
	if changed, err := l.takeConfiguration(l.video.Stream); err != nil {
		return err
	} else if changed {
		l.enter()
		err := l.setUpFilter()
		l.leave()
		if err != nil {
			return err
		}
	}
	l.enter()
	err := l.filter.SendPacket(l.packet)
	l.leave()
	if err != nil {
		return fmt.Errorf("take a frame out of its container: %w", err)
	}
	for {
		l.enter()
		err := l.filter.ReceivePacket(l.filtered)
		l.leave()
		if errors.Is(err, astiav.ErrEagain) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("take a frame out of its container: %w", err)
		}
		err = l.addVideo(arrived)
		l.unref(l.filtered)
		if err != nil {
			return err
		}
	}
}

// unref frees what a packet holds.
func (l *libavSource) unref(p *astiav.Packet) {
	l.enter()
	p.Unref()
	l.leave()
}

func (l *libavSource) addVideo(arrived time.Time) error {
	sizeBytes := l.filtered.Size()
	if sizeBytes > maxAccessUnitBytes {
		return fmt.Errorf("an access unit has more than %d bytes", maxAccessUnitBytes)
	}
	if err := l.session.share.add(int64(sizeBytes)); err != nil {
		return err
	}
	defer func() { _ = l.session.share.add(-int64(sizeBytes)) }() // which does not fail
	data := l.filtered.Data()                                     // a copy
	pts90k, ok := l.video.timestamp90k(l.filtered)
	if !ok {
		return errors.New("an access unit without a time stamp")
	}
	if l.pace != nil {
		arrived = l.pace.wait(pts90k, arrived, l.interrupter.done)
	}
	_, err := l.session.add(&accessUnit{units: [][]byte{data}, pts90k: pts90k, arrived: arrived})
	return err
}

// takeAudio hands samples of audio to the session. One without a time stamp follows the one
// before: of a stream that has begun late, libavformat stamps the first of several only.
func (l *libavSource) takeAudio(arrived time.Time) error {
	changed, err := l.takeConfiguration(l.audio.Stream)
	if err != nil {
		return err
	}
	if changed {
		if l.sample, err = newAudioSampler(l.audio.CodecParameters()); err != nil {
			l.log.Warn("no audio from the camera", "err", err)
			l.sample = noSample
		}
	}
	data, entry, err := l.sample(l.packet.Data())
	if err != nil || len(data) == 0 || entry == nil {
		return nil //nolint:nilerr // damaged audio costs no video
	}
	pts90k, ok := l.audio.timestamp90k(l.packet)
	if !ok {
		if !l.audio.begun {
			return nil
		}
		pts90k = l.audio.next90k
	}
	duration90k := entry.Duration90k(1, len(data))
	l.audio.begun, l.audio.next90k = true, pts90k+int64(duration90k)
	l.session.audio.add(&AudioFrame{
		Offset90k: moonfirefs.Duration90k(pts90k), Duration90k: duration90k, Data: data, Entry: entry,
	}, arrived)
	return nil
}

// keptAliveBy is of source.
func (*libavSource) keptAliveBy() string { return "" }

// counters is of source.
func (*libavSource) counters() Counters { return Counters{} }

// stop is of source.
func (l *libavSource) stop(cause error) { l.interrupter.stop(cause) }

// close is of source.
func (l *libavSource) close() {
	l.unbind()
	if l.connected {
		l.interrupter.close()
		limit := time.AfterFunc(closeTimeout, l.interrupter.abort)
		l.enter()
		l.input.CloseInput()
		l.leave()
		limit.Stop()
	} else {
		l.input.Free() // a failed OpenInput has freed all that there was
	}
	l.enter()
	if l.filter != nil {
		l.filter.Free()
	}
	l.packet.Free()
	l.filtered.Free()
	l.leave()
	l.interrupter.free()
	l.memory.close()
	l.libav.close()
}
