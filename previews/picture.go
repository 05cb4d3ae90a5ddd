// SPDX-License-Identifier: GPL-3.0-or-later

package previews

import (
	"fmt"
	"slices"

	"github.com/asticode/go-astiav"

	"github.com/moonfirefs/moonfirefs"
)

// The size of a tile, into which a picture fits.
const (
	tileWidth  = 320
	tileHeight = 180
)

// jpegQuality is that of sheets, from 1 to 100; quantizer that of pictures, from 1, the best, to 31.
const (
	jpegQuality = 70
	quantizer   = "5"
)

// keptPixels bounds what decoders keep: the sum of their pictures has so many pixels, as one of
// 4K has. Each pixel takes between three and four bytes of memory.
const keptPixels = 3840 * 2160

// converter makes JPEGs of key frames. It keeps what it has set up for the next ones: to get
// memory from the kernel, and to clear it, took nearly half of the time. It is not safe for
// concurrent use. The zero value is ready; close it.
type converter struct {
	// decoders are in the order of their last use.
	decoders []*decoder
	encoder  encoder
}

func (c *converter) close() {
	for _, d := range c.decoders {
		d.close()
	}
	c.decoders = nil
	c.encoder.close()
}

// picture decodes a key frame and returns a JPEG of it.
func (c *converter) picture(k *keyFrame) ([]byte, error) {
	d, err := c.decoder(k.entry)
	if err != nil {
		return nil, err
	}
	frame, err := d.decode(k.sample)
	if err != nil {
		d.close()
		return nil, err
	}
	defer frame.Free()
	jpeg, err := c.encode(d, frame, k)
	c.keep(d, frame)
	return jpeg, err
}

func (c *converter) encode(d *decoder, frame *astiav.Frame, k *keyFrame) ([]byte, error) {
	width, height := k.proportions(frame)
	width, height = fit(width, height)
	small, err := d.scaler.scale(frame, width, height)
	if err != nil {
		return nil, fmt.Errorf("scale picture: %w", err)
	}
	defer small.Free()
	return c.encoder.encode(small)
}

// decoder takes the decoder for a kind of samples out of those that are kept, or makes one.
func (c *converter) decoder(entry *moonfirefs.VideoSampleEntry) (*decoder, error) {
	name, configuration, err := codecOf(entry)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, fmt.Errorf("no decoder for %s", entry.RFC6381Codec)
	}
	for i, d := range c.decoders {
		if d.is(name, configuration) {
			c.decoders = slices.Delete(c.decoders, i, i+1)
			return d, nil
		}
	}
	return newDecoder(name, configuration)
}

// keep keeps a decoder, if it can be used again, and as many others as there is room for.
func (c *converter) keep(d *decoder, last *astiav.Frame) {
	if !d.reset(last) {
		d.close()
		return
	}
	c.decoders = append(c.decoders, d)
	for c.pixels() > keptPixels {
		c.decoders[0].close()
		c.decoders = slices.Delete(c.decoders, 0, 1)
	}
}

func (c *converter) pixels() (sum int) {
	for _, d := range c.decoders {
		sum += d.pixels
	}
	return sum
}

// scaler makes frames smaller. The zero value is ready; close it.
type scaler struct {
	context *astiav.SoftwareScaleContext
	// from and to are what it is set up for.
	from, to shape
}

// shape is that of a frame.
type shape struct {
	width, height int
	format        astiav.PixelFormat
}

func (s *scaler) close() {
	if s.context != nil {
		s.context.Free()
	}
	s.context = nil
}

// scale makes a frame with the range of values that a JPEG has.
func (s *scaler) scale(frame *astiav.Frame, width, height int) (*astiav.Frame, error) {
	to := shape{width, height, astiav.PixelFormatYuvj420P}
	if err := s.setUp(shape{frame.Width(), frame.Height(), frame.PixelFormat()}, to); err != nil {
		return nil, err
	}
	small := astiav.AllocFrame()
	small.SetWidth(to.width)
	small.SetHeight(to.height)
	small.SetPixelFormat(to.format)
	err := small.AllocBuffer(0)
	if err == nil {
		err = s.context.ScaleFrame(frame, small)
	}
	if err != nil {
		small.Free()
		return nil, err
	}
	return small, nil
}

func (s *scaler) setUp(from, to shape) (err error) {
	if s.context != nil && s.from == from && s.to == to {
		return nil
	}
	s.close()
	s.from, s.to = from, to
	s.context, err = astiav.CreateSoftwareScaleContext(from.width, from.height, from.format, to.width, to.height, to.format,
		astiav.NewSoftwareScaleContextFlags(astiav.SoftwareScaleContextFlagArea))
	return err
}

// fit returns the greatest even size of the same shape that fits into a tile.
func fit(width, height int) (w, h int) {
	w, h = tileWidth, height*tileWidth/max(width, 1)
	if h > tileHeight {
		w, h = width*tileHeight/max(height, 1), tileHeight
	}
	even := func(n int) int { return max(n&^1, 2) }
	return even(w), even(h)
}
