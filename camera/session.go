package camera

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// teardownTimeout bounds the sending of TEARDOWN to a camera that may be
	// gone. Without it, some cameras run out of sessions.
	teardownTimeout = time.Second
	// firstSyncTimeout bounds the wait for a sync sample and its parameter
	// sets. Cameras that save bits can send one every minute or two.
	firstSyncTimeout = 5 * time.Minute
	// noPTS is AV_NOPTS_VALUE.
	noPTS = math.MinInt64
)

// timeBase90k is the time base of Frame.PTS90k.
var timeBase90k = astiav.NewRational(1, moonfirefs.UnitsPerSecond)

// Session is a connection to one stream of a camera, on which it plays.
type Session struct {
	log           *slog.Logger
	authenticates bool
	socketTimeout time.Duration
	frameTimeout  time.Duration
	opened        time.Time

	interrupter interrupter
	// watchdog interrupts when there is no frame in time.
	watchdog *time.Timer
	// audio is nil if none is read. It has a session of its own.
	audio *audioFeed
	// unbind releases the context that was given to Open.
	unbind func() bool

	mu sync.Mutex // guards the following; Next holds it while it waits
	// input is nil once the session is closed.
	input *astiav.FormatContext
	// reader reads it once it is known which of its streams; nil before.
	reader *reader
	// libav has what libav logs meanwhile.
	libav *libavLog
	// connected says that input is to be closed, not just freed.
	connected bool
	// description is set by Open.
	description Description
	// timeBase is that of the stream.
	timeBase   astiav.Rational
	accessUnit assembler
	video      *stream
	// ready are frames that next has yet to return, of the same access unit.
	ready []Frame
	// started is set with the first sync sample.
	started bool
}

// Open connects to a camera and makes it play. Cancelling ctx ends the attempt,
// and later the session as if by Close, except that Close must be called all the
// same. Errors hold no credentials.
func Open(ctx context.Context, cfg Config) (*Session, error) {
	s, err := open(ctx, cfg.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", Redact(cfg.URL), err)
	}
	return s, nil
}

// open does what can be done without libavformat.
func open(ctx context.Context, cfg Config) (*Session, error) {
	target, err := newTarget(cfg)
	if err != nil {
		return nil, err
	}
	options, err := libavOptions(cfg, "video")
	if err != nil {
		return nil, err
	}
	if err := resolve(ctx, target.host, cfg.SocketTimeout); err != nil {
		return nil, err
	}
	s, err := newConnection(ctx, cfg, target, options)
	if err != nil {
		return nil, err
	}
	if err := s.selectStream(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if cfg.Audio && len(s.description.Audio) > 0 {
		s.audio = startAudio(ctx, cfg, target)
	}
	return s, nil
}

// newConnection makes a session and connects it.
func newConnection(ctx context.Context, cfg Config, target target, options map[string]string) (*Session, error) {
	s := &Session{
		log:           cfg.Logger,
		authenticates: target.authenticates,
		socketTimeout: cfg.SocketTimeout,
		frameTimeout:  cfg.FrameTimeout,
		opened:        time.Now(),
		input:         astiav.AllocFormatContext(),
	}
	var err error
	if s.interrupter.input, err = newInput(s.input); err != nil {
		s.input.Free()
		return nil, err
	}
	s.libav = newLibavLog(cfg.Logger, newSecrets(cfg))
	s.watchdog = time.AfterFunc(s.frameTimeout, s.giveUp)
	s.unbind = context.AfterFunc(ctx, func() { s.interrupter.stop(context.Cause(ctx)) })
	if err := s.connect(target.url, options); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// resolve looks the host up before libavformat does, whose own attempt cannot be
// cancelled and fails without saying why.
func resolve(ctx context.Context, host string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err := net.DefaultResolver.LookupHost(ctx, host)
	return err
}

// libavOptions returns what libavformat is to know beside the URL, for a session of
// one type of media.
func libavOptions(cfg Config, mediaType string) (map[string]string, error) {
	if cfg.Transport != moonfirefs.TCP && cfg.Transport != moonfirefs.UDP {
		return nil, fmt.Errorf("unknown transport %q", cfg.Transport)
	}
	return map[string]string{
		"rtsp_transport":      string(cfg.Transport),
		"allowed_media_types": mediaType,
		// One stream, whatever else the camera describes: libavformat dates those of
		// a session with several anew by every sender report.
		"max_streams": "1",
		"timeout":     strconv.FormatInt(cfg.SocketTimeout.Microseconds(), 10),
		// Packets as the RTP layer makes them: pieces of access units, with the
		// time stamps that came with them. The parser above it would join the
		// pieces, but loses the time stamp of the first access unit, which is
		// the key frame where a camera starts with one.
		"fflags": "+noparse+nofillin",
		// The RTP layer undoes the wraps of the 32-bit time stamp as well.
		// Another layer would do so once more, wrongly where time stamps start
		// just below zero.
		"correct_ts_overflow": "0",
	}, nil
}

// connect does OPTIONS, DESCRIBE, SETUP and PLAY.
func (s *Session) connect(url string, options map[string]string) error {
	dictionary := astiav.NewDictionary()
	defer dictionary.Free()
	for name, value := range options {
		if err := dictionary.Set(name, value, 0); err != nil {
			return fmt.Errorf("set libav option %s: %w", name, err)
		}
	}
	defer s.watchdog.Stop()
	start := time.Now()
	s.libav.enterConnecting()
	err := s.input.OpenInput(url, astiav.FindInputFormat("rtsp"), dictionary)
	s.libav.leave()
	if err != nil {
		return s.describe(err, time.Since(start))
	}
	s.connected = true
	// libavformat leaves behind, without a word, the options that it does not
	// know.
	anyOption := astiav.NewDictionaryFlags(astiav.DictionaryFlagIgnoreSuffix)
	if left := dictionary.Get("", nil, anyOption); left != nil {
		return fmt.Errorf("this libavformat does not know the option %q", left.Key())
	}
	return nil
}

// giveUp interrupts the session when the frame timeout has passed.
func (s *Session) giveUp() {
	s.interrupter.stop(fmt.Errorf("no video within %v", s.frameTimeout))
}

// selectStream finds the video stream, and takes over the parameter sets of the
// session description (sprop-parameter-sets, RFC 6184 §8.1; sprop-vps, sprop-sps
// and sprop-pps, RFC 7798 §7.1).
func (s *Session) selectStream() error {
	s.description.Audio = s.libav.answers.audio
	for _, stream := range s.input.Streams() {
		parameters := stream.CodecParameters()
		if parameters.MediaType() != astiav.MediaTypeVideo {
			continue
		}
		switch codec := parameters.CodecID(); codec {
		case astiav.CodecIDH264:
			s.description.Codec, s.video = "H.264", newH264Stream()
		case astiav.CodecIDHevc:
			s.description.Codec, s.video = "H.265", newH265Stream()
		default:
			return fmt.Errorf("the camera sends %s, which is not recorded: set it to H.264 or H.265", codec.Name())
		}
		sprop := slices.Collect(nalUnits(parameters.ExtraData()))
		s.description.Sprop = len(sprop) > 0
		s.video.learn(sprop)
		return s.startReader(stream)
	}
	return errNoVideo
}

// startReader begins to read a stream.
func (s *Session) startReader(stream *astiav.Stream) (err error) {
	s.timeBase = stream.TimeBase()
	s.reader, err = newReader(s.interrupter.input, stream.Index(), s.libav)
	return err
}

// Next waits for the next access unit. The first one that it returns is a sync
// sample. When the session is interrupted, it returns what has arrived before, and then
// the error. After an error the session is of no more use, except to be closed.
func (s *Session) Next() (Frame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		frame, err := s.next()
		if err != nil {
			return Frame{}, fmt.Errorf("read frame: %w", err)
		}
		s.started = s.started || frame.Sync
		switch {
		case s.started && frame.Data != nil:
			frame.Audio = s.audio.take(frame.PTS90k)
			return frame, nil
		case !s.started && time.Since(s.opened) > firstSyncTimeout:
			return Frame{}, fmt.Errorf("read frame: no key frame with its parameter sets within %v", firstSyncTimeout)
		}
	}
}

// next reads one access unit. The frame is without data if there is nothing to
// record in it.
func (s *Session) next() (Frame, error) {
	if s.reader == nil {
		return Frame{}, ErrClosed
	}
	if len(s.ready) > 0 {
		frame := s.ready[0]
		s.ready = s.ready[1:]
		return frame, nil
	}
	s.watchdog.Reset(s.frameTimeout)
	defer s.watchdog.Stop()
	for {
		p, err := s.reader.next()
		if err != nil {
			return Frame{}, s.describe(err, s.reader.waited)
		}
		s.audio.observeVideo(&p, s.timeBase)
		byteStream, pts, err := s.accessUnit.add(p.payload, p.pts)
		if err != nil {
			return Frame{}, err
		}
		if byteStream != nil {
			return s.frame(byteStream, pts, &p)
		}
	}
}

// maxSpread90k is the longest time over which pictures with one time stamp are spread.
const maxSpread90k = 10 * moonfirefs.UnitsPerSecond

// frame converts an access unit, given the packet with which the next one begins. What
// is in it beside its first picture, it leaves in ready.
func (s *Session) frame(byteStream []byte, pts int64, next *packet) (Frame, error) {
	previous := s.video.entry
	frames, err := s.video.samples(byteStream)
	if err != nil || len(frames) == 0 {
		return Frame{}, err
	}
	if pts == noPTS {
		return Frame{}, errors.New("an access unit without a time stamp")
	}
	pts90k := astiav.RescaleQ(pts, s.timeBase, timeBase90k)
	lasts90k := astiav.RescaleQ(next.pts, s.timeBase, timeBase90k) - pts90k
	if next.pts == noPTS || lasts90k < 0 || lasts90k > maxSpread90k {
		lasts90k = 0
	}
	for i := range frames {
		frames[i].PTS90k = pts90k + lasts90k*int64(i)/int64(len(frames))
		frames[i].Arrived = next.arrived
		if entry := frames[i].Entry; entry != previous {
			s.log.Info("codec configuration", "codec", entry.RFC6381Codec, "width", entry.Width, "height", entry.Height)
			previous = entry
		}
	}
	s.ready = frames[1:]
	return frames[0], nil
}

// Close ends the session and frees what belongs to it. A Next in another
// goroutine returns with an error that wraps ErrClosed, and Close waits for it.
// It always returns nil, and does nothing the second time.
func (s *Session) Close() error {
	s.interrupter.stop(ErrClosed)
	s.audio.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.input == nil {
		return nil
	}
	s.unbind()
	if s.reader != nil {
		s.reader.close()
	}
	s.closeInput()
	s.interrupter.free()
	s.libav.close()
	s.input, s.reader, s.libav = nil, nil, nil
	return nil
}

// closeInput sends TEARDOWN to the camera and frees the input.
func (s *Session) closeInput() {
	if !s.connected {
		// A failed OpenInput has freed all that there was.
		s.input.Free()
		return
	}
	s.interrupter.close()
	limit := time.AfterFunc(teardownTimeout, s.interrupter.abort)
	defer limit.Stop()
	s.libav.enter()
	defer s.libav.leave()
	s.input.CloseInput()
}
