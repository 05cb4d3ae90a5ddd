// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/rtp"
	"github.com/moonfirefs/moonfirefs/internal/rtsp"
)

// audioSample is a sample of audio without its time. The data are valid during the call
// that hands it over.
type audioSample struct {
	data        []byte
	duration90k moonfirefs.Duration90k
	entry       *moonfirefs.AudioSampleEntry
	// misannounced says that the session description has another sample rate, which is also
	// the one of the time stamps there.
	misannounced bool
}

// audioCodec makes samples of packets.
type audioCodec interface {
	// add hands the samples of a packet to take, in order. What makes no sense it drops;
	// an error says that it is not recorded.
	add(p *rtp.Packet, take func(audioSample)) error
}

// newAudioCodec chooses the codec of a format. An error says why it is not recorded.
func newAudioCodec(f *rtsp.Format) (audioCodec, error) {
	channels := max(f.Channels, 1)
	switch f.Encoding {
	case "PCMA":
		return newPCMCodec(g711SampleEntry(moonfirefs.CodecALaw, f.ClockRate, channels))
	case "PCMU":
		return newPCMCodec(g711SampleEntry(moonfirefs.CodecULaw, f.ClockRate, channels))
	case "L16":
		return newPCMCodec(pcm16SampleEntry(f.ClockRate, channels))
	case "MPEG4-GENERIC":
		return newAACCodec(f.Parameters, rateOf(f))
	case "MP4A-LATM":
		return newLATMCodec(f.Parameters)
	case "OPUS":
		if channels > 2 {
			return nil, fmt.Errorf("audio of %d channels in Opus is not recorded", channels)
		}
		return &opusCodec{channels: uint16(channels)}, nil
	}
	return nil, fmt.Errorf("%s is not recorded", codecName(f))
}

// pcmCodec is for packets of PCM samples, of all channels in turn: G.711 (RFC 3551
// §4.5.14) and L16 (§4.5.11).
type pcmCodec struct {
	entry *moonfirefs.AudioSampleEntry
	// frameBytes is what a PCM sample of all channels has.
	frameBytes int
}

func newPCMCodec(entry *moonfirefs.AudioSampleEntry, err error) (audioCodec, error) {
	if err != nil {
		return nil, err
	}
	c := &pcmCodec{entry: entry, frameBytes: int(entry.Channels)}
	if entry.RFC6381Codec == moonfirefs.CodecPCM16 {
		c.frameBytes *= 2
	}
	return c, nil
}

func (c *pcmCodec) add(p *rtp.Packet, take func(audioSample)) error {
	data := p.Payload[:len(p.Payload)/c.frameBytes*c.frameBytes]
	if len(data) > 0 {
		take(audioSample{data: data, duration90k: c.entry.Duration90k(1, len(data)), entry: c.entry})
	}
	return nil
}

// aacCodec is for AAC with a header for each access unit (RFC 3640), and perhaps another one
// behind it (ADTS).
type aacCodec struct {
	packets *rtp.AAC
	clock   clockRate
	// announced is what the session description says, and announcedEntry is made of it.
	announced      aacConfig
	announcedEntry *moonfirefs.AudioSampleEntry
	// entry is what counts, and config the ADTS header that says so; empty before the first.
	entry  *moonfirefs.AudioSampleEntry
	config string
}

func newAACCodec(parameters map[string]string, clock clockRate) (audioCodec, error) {
	packets, err := newAAC(parameters)
	if err != nil {
		return nil, err
	}
	config, err := hex.DecodeString(parameters["config"])
	if err != nil {
		return nil, errAACConfig
	}
	entry, err := aacSampleEntry(config)
	if err != nil {
		return nil, err
	}
	announced, err := parseAACConfig(config)
	if err != nil {
		return nil, err
	}
	return &aacCodec{packets: packets, clock: clock, announced: announced, announcedEntry: entry, entry: entry}, nil
}

// configure takes what an ADTS header says: the encoder has written it, where the session
// description may be about other settings. If the two agree, that of the description stays: it
// can say more, such as that there is spectral band replication.
func (c *aacCodec) configure(config []byte) {
	if c.config == string(config) {
		return
	}
	c.config, c.entry = string(config), c.announcedEntry
	told, err := parseAACConfig(config)
	if err != nil || told.sampleRate == c.announced.sampleRate && told.channels == c.announced.channels {
		return
	}
	if entry, err := aacSampleEntry(config); err == nil {
		c.entry = entry
	}
}

// newAAC reads the lengths of the fields of access unit headers (RFC 3640 §4.1). Where a
// camera leaves them out, they are those of high bit-rate AAC.
func newAAC(parameters map[string]string) (*rtp.AAC, error) {
	a := &rtp.AAC{SizeBits: 13, IndexBits: 3, DeltaBits: 3}
	for name, bits := range map[string]*int{"sizelength": &a.SizeBits, "indexlength": &a.IndexBits, "indexdeltalength": &a.DeltaBits} {
		text := parameters[name]
		if text == "" {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 8)
		if err != nil || n > 32 {
			return nil, fmt.Errorf("AAC packets with a %s of %q are not recorded", name, text)
		}
		*bits = int(n)
	}
	if a.SizeBits == 0 {
		return nil, errors.New("AAC packets without sizes are not recorded")
	}
	return a, nil
}

func (c *aacCodec) add(p *rtp.Packet, take func(audioSample)) error {
	c.packets.Add(p, func(unit, config []byte) {
		if config != nil {
			c.configure(config)
		}
		if len(unit) == 0 {
			return
		}
		announced := c.announced.sampleRate
		take(audioSample{
			data: unit, duration90k: c.entry.Duration90k(1, len(unit)), entry: c.entry,
			misannounced: c.entry.SampleRate != announced && c.clock == clockRate(announced),
		})
	})
	return nil
}

// opusCodec is for Opus, a packet of it in each RTP packet (RFC 7587 §4.2).
type opusCodec struct {
	channels uint16
	// entry is nil before the first packet, which tells how long packets are.
	entry *moonfirefs.AudioSampleEntry
}

// maxOpusSamples is the longest that a packet lasts, 120 ms at 48 kHz (RFC 6716 §3.2.5).
const maxOpusSamples = 5760

func (c *opusCodec) add(p *rtp.Packet, take func(audioSample)) error {
	samples := opus.PacketDuration2(p.Payload)
	if samples <= 0 || samples > maxOpusSamples {
		return nil
	}
	if c.entry == nil {
		c.entry = opusSampleEntry(c.channels, uint16(samples))
	}
	take(audioSample{data: p.Payload, duration90k: moonfirefs.Duration90k(samples * moonfirefs.UnitsPerSecond / opusRate), entry: c.entry})
	return nil
}

// latmCodec is for AAC in an audio multiplex (RFC 6416).
type latmCodec struct {
	packets *rtp.LATM
	// config is that of the entry.
	config string
	entry  *moonfirefs.AudioSampleEntry
}

// newLATMCodec reads the parameters of RFC 6416 §7.1. A configuration is in them or among
// the packets; which, "cpresent" tells, or its presence where that is left out.
func newLATMCodec(parameters map[string]string) (audioCodec, error) {
	text := parameters["config"]
	c := &latmCodec{packets: &rtp.LATM{InBand: parameters["cpresent"] == "1" || parameters["cpresent"] == "" && text == ""}}
	if text != "" {
		config, err := hex.DecodeString(text)
		if err != nil || c.packets.Configure(config) != nil {
			return nil, errAACConfig
		}
	} else if !c.packets.InBand {
		return nil, errors.New("AAC-LATM without a configuration is not recorded")
	}
	return c, nil
}

func (c *latmCodec) add(p *rtp.Packet, take func(audioSample)) (err error) {
	c.packets.Add(p, func(unit, config []byte) {
		if err = c.configure(config); err == nil && len(unit) > 0 {
			take(audioSample{data: unit, duration90k: c.entry.Duration90k(1, len(unit)), entry: c.entry})
		}
	})
	return err
}

// configure makes an entry of a configuration, unless there is one already.
func (c *latmCodec) configure(config []byte) error {
	if c.entry != nil && c.config == string(config) {
		return nil
	}
	entry, err := aacSampleEntry(config)
	if err != nil {
		return err
	}
	c.entry, c.config = entry, string(config)
	return nil
}
