// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"context"
	"errors"
	"io"
	"time"
)

// Live is an endless sequence of pictures that are drawn and encoded as they
// play. Its clock shows the civil time of this machine.
type Live struct{ params Params }

// NewLive returns a live source. Nothing runs before a camera plays it.
func NewLive(p Params) (*Live, error) {
	p, err := p.withDefaults()
	if err != nil {
		return nil, err
	}
	if p.BFrames > 0 {
		return nil, errors.New("test camera: a live source has no B-frames")
	}
	return &Live{params: p}, nil
}

func (l *Live) codec() Codec { return l.params.Codec }

// maxInEncoder bounds the pictures that can be on their way through ffmpeg. It
// holds back one or two.
const maxInEncoder = 256

// play draws in one goroutine and delivers in this one. The speed is that of the
// clock.
func (l *Live) play(ctx context.Context, _ float64, deliver func(AccessUnit)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e, err := startEncoder(ctx, l.params)
	if err != nil {
		return err
	}
	pts90k := make(chan int64, maxInEncoder)
	drawn := make(chan error, 1)
	go func() { drawn <- l.draw(ctx, e.input, pts90k) }()
	for n := 0; ; n++ {
		au, err := e.next()
		if err != nil {
			stopped := ctx.Err() != nil
			cancel()
			err = errors.Join(<-drawn, e.finish())
			if stopped {
				return nil // what fails after a cancelled context fails because of it
			}
			return err
		}
		au.Counter, au.PTS90k = n%CounterModulus, <-pts90k
		deliver(au)
	}
}

// draw writes a picture to the encoder whenever one is due, and its time stamp
// to pts90k. When the encoder cannot keep up, pictures are left out.
func (l *Live) draw(ctx context.Context, pipe io.WriteCloser, pts90k chan<- int64) error {
	defer pipe.Close()
	pt := newPainter(l.params)
	ticker := time.NewTicker(l.params.elapsed(1))
	defer ticker.Stop()
	start, last := time.Now(), int64(-1)
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		// Cameras capture at a steady rate, however busy this machine is.
		now := time.Now()
		slot := int64(now.Sub(start) / l.params.elapsed(1))
		if slot == last {
			continue
		}
		last = slot
		select {
		case <-ctx.Done():
			return nil
		case pts90k <- l.params.pts90k(slot):
		}
		if _, err := pipe.Write(pt.paint(n%CounterModulus, now.Format("2006-01-02 15:04:05.000"))); err != nil {
			return err
		}
		n++
	}
}
