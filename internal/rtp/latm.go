// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

import (
	"errors"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
)

// MaxLATMBytes bounds an element of an audio multiplex, and so what a camera can make a
// LATM keep.
const MaxLATMBytes = 64 << 10

// LATM takes access units of AAC out of packets with an audio multiplex (RFC 6416 §6.1):
// an AudioMuxElement (ISO 14496-3 §1.7.3) in each packet, or in several of which the last
// one has the marker.
type LATM struct {
	// InBand says that elements have their configuration in them, or say that it is that
	// of the one before ("cpresent").
	InBand bool

	mux *mpeg4audio.StreamMuxConfig
	// config is an AudioSpecificConfig made of mux.
	config []byte
	// element is what has come of the one in progress. lost says that a packet of it is
	// missing, or that there is too much of it.
	element   []byte
	timestamp int64
	lost      bool
}

var errMux = errors.New("an audio multiplex of several programs or layers, or of other frames than those of AAC")

// Configure takes a StreamMuxConfig from a session description.
func (l *LATM) Configure(config []byte) error {
	mux := &mpeg4audio.StreamMuxConfig{}
	if err := mux.Unmarshal(config); err != nil {
		return err
	}
	return l.take(mux)
}

// take takes over a configuration, if it is one of a single layer.
func (l *LATM) take(mux *mpeg4audio.StreamMuxConfig) error {
	if len(mux.Programs) != 1 || len(mux.Programs[0].Layers) != 1 || mux.Programs[0].Layers[0].FrameLengthType != 0 {
		return errMux
	}
	config, err := mux.Programs[0].Layers[0].AudioSpecificConfig.Marshal()
	if err != nil {
		return err
	}
	l.mux, l.config = mux, config
	return nil
}

// Add hands the access units that are complete with a packet to take, in order, with their
// AudioSpecificConfig. Neither may be kept. What makes no sense it drops.
func (l *LATM) Add(p *Packet, take func(unit, config []byte)) {
	if p.Timestamp != l.timestamp {
		l.element, l.lost, l.timestamp = l.element[:0], false, p.Timestamp
	}
	// Behind a gap, nobody knows whether a packet begins an element, unless it ends one
	// as well and makes sense.
	l.lost = l.lost || p.Gap && (len(l.element) > 0 || !p.Marker) || len(l.element)+len(p.Payload) > MaxLATMBytes
	if l.lost {
		l.element = l.element[:0]
		return
	}
	l.element = append(l.element, p.Payload...)
	if !p.Marker {
		return
	}
	element := mpeg4audio.AudioMuxElement{MuxConfigPresent: l.InBand, StreamMuxConfig: l.mux}
	err := element.Unmarshal(l.element)
	l.element = l.element[:0]
	if err != nil || element.StreamMuxConfig != l.mux && l.take(element.StreamMuxConfig) != nil {
		return
	}
	for _, subframe := range element.Payloads {
		take(subframe[0][0], l.config)
	}
}
