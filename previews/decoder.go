// SPDX-License-Identifier: GPL-3.0-or-later

package previews

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/asticode/go-astiav"

	"github.com/moonfirefs/moonfirefs"
)

// maxSourcePixels bounds what is decoded: 8192×8192 is the most that H.265 has levels for.
const maxSourcePixels = 8192 * 8192

// decoder decodes key frames of one configuration, each as if there had been no other one.
type decoder struct {
	// name and configuration are what codecOf returns.
	name          string
	configuration []byte

	context *astiav.CodecContext
	scaler  scaler
	// pixels are those of the last frame.
	pixels int
}

// newDecoder must be closed.
func newDecoder(name string, configuration []byte) (*decoder, error) {
	codec := astiav.FindDecoderByName(name)
	if codec == nil {
		return nil, fmt.Errorf("no decoder of the name %q", name)
	}
	d := &decoder{name: name, configuration: bytes.Clone(configuration), context: astiav.AllocCodecContext(codec)}
	if err := d.open(codec); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// open sets the decoder up. What it decodes is one thread's work: the caller's.
func (d *decoder) open(codec *astiav.Codec) error {
	d.context.SetThreadCount(1)
	if len(d.configuration) > 0 {
		if err := d.context.SetExtraData(d.configuration); err != nil {
			return fmt.Errorf("configure decoder: %w", err)
		}
	}
	options := astiav.NewDictionary()
	defer options.Free()
	// The edges of blocks are left as they are: in so small a picture they are hardly seen, and
	// to smooth them takes a fifth of the time.
	if err := options.Set("skip_loop_filter", "all", astiav.NewDictionaryFlags()); err != nil {
		return fmt.Errorf("configure decoder: %w", err)
	}
	if err := d.context.Open(codec, options); err != nil {
		return fmt.Errorf("open decoder: %w", err)
	}
	return nil
}

func (d *decoder) close() {
	d.scaler.close()
	d.context.Free()
}

// is tells whether it decodes what codecOf returns.
func (d *decoder) is(name string, configuration []byte) bool {
	return d.name == name && bytes.Equal(d.configuration, configuration)
}

// decode decodes a key frame, which is for the caller to free. After an error, the decoder is
// of no use any more.
func (d *decoder) decode(sample []byte) (*astiav.Frame, error) {
	packet := astiav.AllocPacket()
	defer packet.Free()
	if err := fill(packet, sample); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	if err := d.context.SendPacket(packet); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	if err := d.context.SendPacket(nil); err != nil { // there is no more
		return nil, fmt.Errorf("decode: %w", err)
	}
	frame := astiav.AllocFrame()
	if err := d.context.ReceiveFrame(frame); err != nil {
		frame.Free()
		return nil, fmt.Errorf("decode: %w", err)
	}
	d.pixels = frame.Width() * frame.Height()
	if d.pixels > maxSourcePixels {
		frame.Free()
		return nil, errors.New("decode: the picture is too large")
	}
	return frame, nil
}

// reset readies the decoder for another key frame, once nobody needs the last one any more. It
// returns false if the decoder must not be used again.
func (d *decoder) reset(last *astiav.Frame) bool {
	// Parts that are missing from a damaged frame would show what was there before: an older
	// picture, of another camera. So nothing may be left of one.
	more := astiav.AllocFrame()
	defer more.Free()
	if err := d.context.ReceiveFrame(more); !errors.Is(err, astiav.ErrEof) {
		return false // the sample had several frames
	}
	blank(last)
	flush(d.context)
	return true
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
