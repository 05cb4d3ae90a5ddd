// SPDX-License-Identifier: GPL-3.0-or-later

package previews

import (
	"encoding/binary"
	"errors"
	"fmt"

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

// maxSourcePixels bounds what is decoded: 8192×8192 is the most that H.265 has levels for.
const maxSourcePixels = 8192 * 8192

// picture decodes one key frame, as it is in a sample file, and returns a JPEG of it.
func picture(entry *moonfirefs.VideoSampleEntry, sample []byte) ([]byte, error) {
	frame, err := decode(entry, sample)
	if err != nil {
		return nil, err
	}
	defer frame.Free()
	small, err := scale(frame, entry)
	if err != nil {
		return nil, err
	}
	defer small.Free()
	return encode(small)
}

// encode makes a JPEG of a frame.
func encode(frame *astiav.Frame) ([]byte, error) {
	codec := astiav.FindEncoderByName("mjpeg")
	if codec == nil {
		return nil, errors.New("no encoder for JPEG")
	}
	encoder := astiav.AllocCodecContext(codec)
	defer encoder.Free()
	encoder.SetThreadCount(1)
	encoder.SetWidth(frame.Width())
	encoder.SetHeight(frame.Height())
	encoder.SetPixelFormat(frame.PixelFormat())
	encoder.SetTimeBase(astiav.NewRational(1, 1))
	options := astiav.NewDictionary()
	defer options.Free()
	for _, name := range []string{"qmin", "qmax"} {
		if err := options.Set(name, quantizer, astiav.NewDictionaryFlags()); err != nil {
			return nil, fmt.Errorf("configure encoder: %w", err)
		}
	}
	if err := encoder.Open(codec, options); err != nil {
		return nil, fmt.Errorf("open encoder: %w", err)
	}
	if err := encoder.SendFrame(frame); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	packet := astiav.AllocPacket()
	defer packet.Free()
	if err := encoder.ReceivePacket(packet); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return packet.Data(), nil
}

// decode is one thread's work: the caller's.
func decode(entry *moonfirefs.VideoSampleEntry, sample []byte) (*astiav.Frame, error) {
	name, configuration, err := codecOf(entry)
	if err != nil {
		return nil, err
	}
	codec := astiav.FindDecoderByName(name)
	if codec == nil {
		return nil, fmt.Errorf("no decoder for %s", entry.RFC6381Codec)
	}
	decoder := astiav.AllocCodecContext(codec)
	defer decoder.Free()
	decoder.SetThreadCount(1)
	if len(configuration) > 0 {
		if err := decoder.SetExtraData(configuration); err != nil {
			return nil, fmt.Errorf("configure decoder: %w", err)
		}
	}
	options := astiav.NewDictionary()
	defer options.Free()
	// The edges of blocks are left as they are: in so small a picture they are hardly seen, and
	// to smooth them takes a fifth of the time.
	if err := options.Set("skip_loop_filter", "all", astiav.NewDictionaryFlags()); err != nil {
		return nil, fmt.Errorf("configure decoder: %w", err)
	}
	if err := decoder.Open(codec, options); err != nil {
		return nil, fmt.Errorf("open decoder: %w", err)
	}
	packet := astiav.AllocPacket()
	defer packet.Free()
	if err := packet.FromData(sample); err != nil {
		return nil, fmt.Errorf("make packet: %w", err)
	}
	if err := decoder.SendPacket(packet); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	if err := decoder.SendPacket(nil); err != nil { // there is no more
		return nil, fmt.Errorf("decode: %w", err)
	}
	frame := astiav.AllocFrame()
	if err := decoder.ReceiveFrame(frame); err != nil {
		frame.Free()
		return nil, fmt.Errorf("decode: %w", err)
	}
	if frame.Width()*frame.Height() > maxSourcePixels {
		frame.Free()
		return nil, errors.New("decode: the picture is too large")
	}
	return frame, nil
}

// codecs are by the kind of sample entry. child is the box that has the decoder's configuration
// (ISO 14496-15 §5.3.3.1, §8.3.3.1, AV1 Codec ISO Media File Format Binding §2.3); none if empty.
var codecs = map[string]struct{ decoder, child string }{
	"avc1": {"h264", "avcC"},
	"avc3": {"h264", "avcC"},
	"hvc1": {"hevc", "hvcC"},
	"hev1": {"hevc", "hvcC"},
	"av01": {"libdav1d", "av1C"},
	"jpeg": {"mjpeg", ""},
}

// codecOf returns a decoder's name and its configuration record.
func codecOf(entry *moonfirefs.VideoSampleEntry) (decoder string, configuration []byte, err error) {
	const visualBytes = 86 // the box up to its children (ISO 14496-12 §12.1.3)
	if len(entry.Data) < visualBytes {
		return "", nil, fmt.Errorf("sample entry of %d bytes: %w", len(entry.Data), moonfirefs.ErrCorrupt)
	}
	codec, ok := codecs[string(entry.Data[4:8])]
	if !ok || codec.child == "" {
		return codec.decoder, nil, nil
	}
	for rest := entry.Data[visualBytes:]; len(rest) >= 8; {
		size := int64(binary.BigEndian.Uint32(rest))
		if size < 8 || size > int64(len(rest)) {
			break
		}
		if string(rest[4:8]) == codec.child {
			return codec.decoder, rest[8:size], nil
		}
		rest = rest[size:]
	}
	return "", nil, fmt.Errorf("sample entry without %s: %w", codec.child, moonfirefs.ErrCorrupt)
}

// scale makes a frame that fits into a tile, with the range of values that a JPEG has.
func scale(frame *astiav.Frame, entry *moonfirefs.VideoSampleEntry) (*astiav.Frame, error) {
	width, height := fit(frame.Width()*int(max(entry.PixelAspectH, 1)), frame.Height()*int(max(entry.PixelAspectV, 1)))
	scaler, err := astiav.CreateSoftwareScaleContext(frame.Width(), frame.Height(), frame.PixelFormat(),
		width, height, astiav.PixelFormatYuvj420P, astiav.NewSoftwareScaleContextFlags(astiav.SoftwareScaleContextFlagArea))
	if err != nil {
		return nil, fmt.Errorf("scale picture: %w", err)
	}
	defer scaler.Free()
	small := astiav.AllocFrame()
	small.SetWidth(width)
	small.SetHeight(height)
	small.SetPixelFormat(astiav.PixelFormatYuvj420P)
	err = small.AllocBuffer(0)
	if err == nil {
		err = scaler.ScaleFrame(frame, small)
	}
	if err != nil {
		small.Free()
		return nil, fmt.Errorf("scale picture: %w", err)
	}
	return small, nil
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
