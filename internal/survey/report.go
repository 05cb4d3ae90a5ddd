// SPDX-License-Identifier: GPL-3.0-or-later

package survey

import (
	"context"
	"fmt"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

// keyFrameTimeout bounds the wait for the first key frame.
const keyFrameTimeout = time.Minute

// LongGOP is the length of a group of pictures from which on it is a nuisance: a
// recording can begin, and be cut, at a key frame only.
const LongGOP = 10 * time.Second

// Extent says how long to look.
type Extent struct {
	// Duration is counted from the first key frame.
	Duration time.Duration
	// GOPs ends the survey earlier, when so many have been seen whole; 0 means
	// that only Duration counts.
	GOPs int
}

// Report is what a stream is like. Where something is not known it is 0.
type Report struct {
	// Codec is the name of the codec, RFC6381Codec says which profile and level.
	Codec        string `json:"codec"`
	RFC6381Codec string `json:"rfc6381Codec"`
	// Width and Height are in pixels.
	Width  uint16 `json:"width"`
	Height uint16 `json:"height"`
	// ConnectSeconds is how long it took until the camera played, FirstFrameSeconds
	// how long from then on to the first key frame.
	ConnectSeconds    float64 `json:"connectSeconds"`
	FirstFrameSeconds float64 `json:"firstFrameSeconds"`
	// Seconds is how long frames came, and Frames how many.
	Seconds float64 `json:"seconds"`
	Frames  int     `json:"frames"`
	// FramesPerSecond are those that came, StampedFramesPerSecond is their rate by
	// their time stamps.
	FramesPerSecond        float64 `json:"framesPerSecond"`
	StampedFramesPerSecond float64 `json:"stampedFramesPerSecond"`
	BitsPerSecond          float64 `json:"bitsPerSecond"`
	// GOPFrames and GOPSeconds are averages over whole groups of pictures.
	GOPFrames  float64 `json:"gopFrames"`
	GOPSeconds float64 `json:"gopSeconds"`
	// DriftPPM is by how much the camera's clock is too fast, in millionths, with
	// an uncertainty of two standard errors, which is 0 where neither is known.
	DriftPPM            float64 `json:"driftPPM"`
	DriftUncertaintyPPM float64 `json:"driftUncertaintyPPM"`
	// Audio are the encodings of the audio beside the video, as in SDP.
	Audio []string `json:"audio"`
	// NotRecorded are streams that are not recorded, each with the reason.
	NotRecorded []string `json:"notRecorded"`
	// CertificateSHA256 is that of the camera's certificate in hexadecimal, whether it was
	// verified or not; empty if the connection is not encrypted.
	CertificateSHA256 string `json:"certificateSHA256,omitempty"`
	// Authentication is how we have authenticated; empty if the camera did not ask.
	Authentication string `json:"authentication"`
	// KeptAliveBy are the requests that the camera has accepted as a sign of life.
	KeptAliveBy string `json:"keptAliveBy"`
	// Packets are those that came and were used, LostPackets those that did not come, by
	// their sequence numbers; DuplicatePackets came twice, ForeignPackets are of another
	// source or payload type, and Resyncs count how often what came was no packet.
	Packets          int64 `json:"packets"`
	LostPackets      int64 `json:"lostPackets"`
	DuplicatePackets int64 `json:"duplicatePackets"`
	ForeignPackets   int64 `json:"foreignPackets"`
	Resyncs          int64 `json:"resyncs"`
	// Pace is by what factor the time stamps go faster than time.
	Pace float64 `json:"pace"`
	// BFrames says that frames do not come in the order in which they are shown.
	BFrames bool `json:"bFrames"`
	// Warnings are for people.
	Warnings []string `json:"warnings"`
}

// Take connects to a camera and looks at what it sends. Its errors are those of
// package camera.
func Take(ctx context.Context, cfg camera.Config, extent Extent) (*Report, error) {
	began := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cfg.Probe = true
	session, err := camera.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	connected := time.Now()
	noKeyFrame := time.AfterFunc(keyFrameTimeout, func() {
		cancel(fmt.Errorf("no key frame with its parameter sets within %v, and no recovery point", keyFrameTimeout))
	})
	defer noKeyFrame.Stop()
	t := &tally{}
	for {
		frame, err := session.Next()
		if err != nil {
			return nil, err
		}
		noKeyFrame.Stop()
		t.add(&frame, frame.Arrived.Sub(connected))
		if t.elapsed() >= extent.Duration || extent.GOPs > 0 && t.gops() >= extent.GOPs {
			break
		}
	}
	r := t.report()
	r.ConnectSeconds = connected.Sub(began).Seconds()
	description := session.Description()
	r.Codec, r.Audio = description.Codec, append([]string{}, description.Audio...)
	r.NotRecorded = append([]string{}, description.NotRecorded...)
	r.CertificateSHA256 = description.Fingerprint
	r.Authentication, r.KeptAliveBy = description.Authentication, session.KeptAliveBy()
	r.count(session.Counters(), cfg.Transport)
	if r.Seconds >= minRateSeconds && r.StampedFramesPerSecond > 0 {
		r.Pace = r.FramesPerSecond / r.StampedFramesPerSecond
	}
	if !description.Sprop {
		r.warn("the session description has no parameter sets (sprop): recording waits for the camera to send them with a key frame")
	}
	return r, nil
}

// count takes over what was wrong with packets.
func (r *Report) count(c camera.Counters, transport moonfirefs.Transport) {
	r.Packets, r.LostPackets, r.DuplicatePackets = c.Packets, c.Lost, c.Duplicates
	r.ForeignPackets, r.Resyncs = c.Foreign, c.Resyncs
	if c.Lost > 0 {
		remedy := "look at the network, or use TCP"
		if transport != moonfirefs.UDP {
			remedy = "by TCP the network loses none, so the camera or a server between leaves them out: lower its bit rate"
		}
		r.warn("%s of the camera's packets did not come, and pictures are missing or damaged: %s", percent(c.Lost, c.Lost+c.Packets), remedy)
	}
	if c.Resyncs > 0 {
		r.warn("what the camera sends made no sense (%s): it was skipped", times(int(c.Resyncs)))
	}
}

func percent(part, all int64) string {
	return fmt.Sprintf("%.2g %%", 100*float64(part)/float64(all))
}

func (r *Report) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}
