// SPDX-License-Identifier: GPL-3.0-or-later

package previews

import (
	"errors"
	"fmt"

	"github.com/asticode/go-astiav"
)

// encoder makes JPEGs of frames. The zero value is ready; close it.
type encoder struct {
	context *astiav.CodecContext
	// of is what it is set up for.
	of shape
}

func (e *encoder) close() {
	if e.context != nil {
		e.context.Free()
	}
	e.context = nil
}

func (e *encoder) encode(frame *astiav.Frame) ([]byte, error) {
	if err := e.setUp(shape{frame.Width(), frame.Height(), frame.PixelFormat()}); err != nil {
		return nil, err
	}
	if err := e.context.SendFrame(frame); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	packet := astiav.AllocPacket()
	defer packet.Free()
	if err := e.context.ReceivePacket(packet); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return packet.Data(), nil
}

func (e *encoder) setUp(of shape) error {
	if e.context != nil && e.of == of {
		return nil
	}
	e.close()
	codec := astiav.FindEncoderByName("mjpeg")
	if codec == nil {
		return errors.New("no encoder for JPEG")
	}
	e.of, e.context = of, astiav.AllocCodecContext(codec)
	if err := e.open(codec); err != nil {
		e.close()
		return err
	}
	return nil
}

func (e *encoder) open(codec *astiav.Codec) error {
	e.context.SetThreadCount(1)
	e.context.SetWidth(e.of.width)
	e.context.SetHeight(e.of.height)
	e.context.SetPixelFormat(e.of.format)
	e.context.SetTimeBase(astiav.NewRational(1, 1))
	options := astiav.NewDictionary()
	defer options.Free()
	for _, name := range []string{"qmin", "qmax"} {
		if err := options.Set(name, quantizer, astiav.NewDictionaryFlags()); err != nil {
			return fmt.Errorf("configure encoder: %w", err)
		}
	}
	if err := e.context.Open(codec, options); err != nil {
		return fmt.Errorf("open encoder: %w", err)
	}
	return nil
}
