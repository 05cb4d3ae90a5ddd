// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Media are a sequence of pictures that were encoded beforehand. They may be played
// by several cameras at once.
type Media struct {
	Params Params
	// AccessUnits start with a key frame. Where they are not reordered, they are
	// numbered from 0.
	AccessUnits []AccessUnit
}

// Encode makes media. Their clock shows the time since their beginning.
func Encode(ctx context.Context, p Params, frames int) (*Media, error) {
	p, err := p.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e, err := startEncoder(ctx, p)
	if err != nil {
		return nil, err
	}
	written := make(chan error, 1)
	go func() { written <- writeFrames(e.input, p, frames) }()
	media := &Media{Params: p}
	readErr := media.read(e)
	if readErr != nil {
		cancel()
	}
	if err := errors.Join(readErr, <-written, e.finish()); err != nil {
		return nil, err
	}
	if len(media.AccessUnits) != frames {
		return nil, fmt.Errorf("test camera: ffmpeg made %d access units of %d pictures", len(media.AccessUnits), frames)
	}
	if err := media.reorder(e.numbers); err != nil {
		return nil, err
	}
	return media, nil
}

// reorder sets the numbers of the pictures in the access units.
func (c *Media) reorder(numbers []int) error {
	if numbers == nil {
		return nil
	}
	if len(numbers) != len(c.AccessUnits) {
		return fmt.Errorf("test camera: ffmpeg made %d access units and wrote %d times", len(c.AccessUnits), len(numbers))
	}
	for i, number := range numbers {
		c.AccessUnits[i].Counter, c.AccessUnits[i].PTS90k = number, c.Params.pts90k(int64(number))
	}
	return nil
}

// writeFrames draws the pictures of a media and closes the pipe.
func writeFrames(pipe io.WriteCloser, p Params, frames int) error {
	defer pipe.Close()
	pt := newPainter(p)
	for n := range frames {
		clock := time.Time{}.Add(p.elapsed(int64(n))).Format("15:04:05.000")
		if _, err := pipe.Write(pt.paint(n, clock)); err != nil {
			return fmt.Errorf("test camera: write to ffmpeg: %w", err)
		}
	}
	return nil
}

// read collects access units up to the end.
func (c *Media) read(e *encoder) error {
	for {
		au, err := e.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		au.Counter = len(c.AccessUnits)
		au.PTS90k = c.Params.pts90k(int64(au.Counter))
		c.AccessUnits = append(c.AccessUnits, au)
	}
}

// Join returns the parts one after the other: a camera whose configuration
// changes while it plays. Each frame keeps the number that its picture shows.
// The parts must have the same rate and codec.
func Join(parts ...*Media) *Media {
	joined := &Media{Params: parts[0].Params}
	for _, media := range parts {
		begin90k := joined.Params.pts90k(int64(len(joined.AccessUnits)))
		for _, au := range media.AccessUnits {
			au.PTS90k += begin90k
			joined.AccessUnits = append(joined.AccessUnits, au)
		}
	}
	return joined
}

func (c *Media) codec() Codec { return c.Params.Codec }

// delay is by how many frames the access units are sent later than if each were sent
// when its picture is taken: none is sent before it is.
func (c *Media) delay() (frames int64) {
	for n, au := range c.AccessUnits {
		for c.Params.pts90k(int64(n)+frames) < au.PTS90k {
			frames++
		}
	}
	return frames
}

// play repeats the media.
func (c *Media) play(ctx context.Context, speed float64, deliver func(AccessUnit)) error {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	delay, length := c.delay(), int64(len(c.AccessUnits))
	for n := int64(0); ; n++ {
		due := time.Duration(float64(c.Params.elapsed(n+delay)) / speed)
		timer.Reset(due - time.Since(start))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		au := c.AccessUnits[n%length]
		au.PTS90k += c.Params.pts90k(n / length * length)
		deliver(au)
	}
}
