package camera

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/moonfirefs/moonfirefs"
)

// AudioFrame is a sample of audio: an access unit of AAC (ISO 14496-3 §4.4.2.1), or
// the G.711 of a packet.
type AudioFrame struct {
	// Offset90k is when it begins, after the frame that it comes with; negative as a
	// rule.
	Offset90k moonfirefs.Duration90k
	// Duration90k is how long it lasts by its configuration.
	Duration90k moonfirefs.Duration90k
	// Data belongs to the caller.
	Data []byte
	// Entry is its configuration. The pointer stays the same while the session of
	// the audio does.
	Entry *moonfirefs.AudioSampleEntry
}

const (
	// maxAudioBytes and maxAudioFrames bound the audio that waits for a frame. That of
	// G.711 is 20 ms long as a rule, that of AAC longer.
	maxAudioBytes  = 4 << 20
	maxAudioFrames = 8192
	// Bounds of the wait before a session of audio is tried again.
	minAudioWait = 5 * time.Second
	maxAudioWait = 5 * time.Minute
)

// errAudioForGood says that there is no use in trying again.
var errAudioForGood = errors.New("no audio is recorded")

// audioFeed reads the audio of a camera in an RTSP session of its own, and keeps it
// until a frame of the video takes it along. It has a goroutine.
//
// It is a session of its own because libavformat dates the packets of a session
// with several streams by the camera's sender reports, each of which moves the
// time stamps of the video as well: by the jitter of the report, or by years when
// the camera sets its clock. With a stream alone it goes by RTP time stamps, which
// tell durations exactly.
type audioFeed struct {
	cfg    Config
	target target
	cancel context.CancelFunc
	done   chan struct{}

	mu        sync.Mutex // guards what follows
	alignment alignment
	// frames wait. The offsets are time stamps of the audio.
	frames []AudioFrame
	bytes  int64
	// dropped counts the frames that there was no room for.
	dropped int64
}

// startAudio begins to read. The feed must be closed.
func startAudio(ctx context.Context, cfg Config, target target) *audioFeed {
	ctx, cancel := context.WithCancel(ctx)
	f := &audioFeed{cfg: cfg, target: target, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.run(ctx)
	}()
	return f
}

// close is nil-safe and idempotent.
func (f *audioFeed) close() {
	if f != nil {
		f.cancel()
		<-f.done
	}
}

// run keeps up a session until ctx is cancelled. Trouble with it is none of the
// video's.
func (f *audioFeed) run(ctx context.Context) {
	wait, told := minAudioWait, ""
	for {
		began := time.Now()
		err := f.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > maxAudioWait {
			wait, told = minAudioWait, ""
		}
		if err.Error() != told {
			f.cfg.Logger.Warn("no audio from the camera", "err", err)
			told = err.Error()
		}
		if errors.Is(err, errAudioForGood) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait - rand.N(wait/4)):
		}
		wait = min(2*wait, maxAudioWait)
	}
}

// session reads one session to its end.
func (f *audioFeed) session(ctx context.Context) error {
	options, err := libavOptions(f.cfg, "audio")
	if err != nil {
		return err
	}
	s, err := newConnection(ctx, f.cfg, f.target, options)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, stream := range s.input.Streams() {
		parameters := stream.CodecParameters()
		if parameters.MediaType() != astiav.MediaTypeAudio {
			continue
		}
		entry, err := audioSampleEntryOf(parameters)
		if err != nil {
			return fmt.Errorf("%w: %w", errAudioForGood, err)
		}
		f.cfg.Logger.Info("audio configuration", "codec", entry.RFC6381Codec, "sample_rate", entry.SampleRate, "channels", entry.Channels)
		f.restart()
		return f.read(s, stream, entry)
	}
	return fmt.Errorf("%w: no audio stream", errAudioForGood)
}

// restart begins another session. What waits of the one before cannot be dated any
// more: the time stamps of each have an origin of their own.
func (f *audioFeed) restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alignment.restart()
	f.frames, f.bytes = nil, 0
}

// read takes over packets until there are no more.
func (f *audioFeed) read(s *Session, stream *astiav.Stream, entry *moonfirefs.AudioSampleEntry) error {
	if err := s.startReader(stream); err != nil {
		return err
	}
	next90k := int64(noPTS)
	for {
		p, err := s.reader.next()
		if err != nil {
			return s.describe(err, s.reader.waited)
		}
		pts90k := next90k // of the second access unit in a packet and those after it
		if p.pts != noPTS {
			pts90k = astiav.RescaleQ(p.pts, s.timeBase, timeBase90k)
		}
		if len(p.payload) == 0 || pts90k == noPTS {
			continue
		}
		frame := AudioFrame{
			Offset90k: moonfirefs.Duration90k(pts90k), Duration90k: entry.Duration90k(1, len(p.payload)),
			Data: slices.Clone(p.payload), Entry: entry,
		}
		next90k = pts90k + int64(frame.Duration90k)
		f.add(&frame, &p)
	}
}

// add keeps a frame.
func (f *audioFeed) add(frame *AudioFrame, p *packet) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alignment.audio.observe(int64(frame.Offset90k+frame.Duration90k), p.arrived)
	if p.isReported {
		f.alignment.audio.report(p.camera90k, int64(frame.Offset90k))
	}
	f.frames = append(f.frames, *frame)
	f.bytes += int64(len(frame.Data))
	for f.bytes > maxAudioBytes || len(f.frames) > maxAudioFrames {
		f.bytes -= int64(len(f.frames[0].Data))
		f.frames = f.frames[1:]
		f.dropped++
	}
}

// observeVideo notes that a packet of the video has arrived.
func (f *audioFeed) observeVideo(p *packet, timeBase astiav.Rational) {
	if f == nil || p.pts == noPTS {
		return
	}
	pts90k := astiav.RescaleQ(p.pts, timeBase, timeBase90k)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alignment.video.observe(pts90k, p.arrived)
	if p.isReported {
		f.alignment.video.report(p.camera90k, pts90k)
	}
}

// take returns what has arrived, as what comes with a frame.
func (f *audioFeed) take(pts90k int64) []AudioFrame {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.frames) == 0 || !f.alignment.ready(time.Now(), f.cfg.AudioDelay) {
		return nil
	}
	if f.dropped > 0 {
		f.cfg.Logger.Warn("audio is lost: no video came for so long", "samples", f.dropped)
		f.dropped = 0
	}
	if change90k := f.alignment.update(); change90k != 0 {
		f.cfg.Logger.Debug("audio is put in step", "by", moonfirefs.Duration90k(change90k))
	}
	frames := f.frames
	for i := range frames {
		frames[i].Offset90k += moonfirefs.Duration90k(f.alignment.offset90k - pts90k)
	}
	f.frames, f.bytes = nil, 0
	return frames
}
