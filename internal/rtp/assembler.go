// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

import (
	"fmt"
	"time"
)

const (
	// MaxAccessUnitBytes bounds an access unit. Key frames of 8K cameras have about half
	// of that.
	MaxAccessUnitBytes = 8 << 20
	// MaxUnits bounds the NAL units of an access unit; no level allows more than 600
	// slices.
	MaxUnits = 1 << 14
	// AssemblerBytes is what a camera can make an Assembler keep without reserving it: an
	// access unit of keptBytes, the half of that which its memory was before it grew, and
	// where its NAL units are.
	AssemblerBytes = keptBytes*3/2 + 32*MaxUnits

	// keptBytes is the memory that is kept for the next access unit, and not reserved;
	// minAssemblerBytes is what it is at first.
	keptBytes         = 1 << 20
	minAssemblerBytes = 8 << 10
	// trustedAfter is how many access units have to end with the marker until one is
	// taken for complete when it comes.
	trustedAfter = 2
)

// AccessUnit is all that has a time stamp.
type AccessUnit struct {
	// Timestamp is in units of the stream's clock, as is Lasts, which is the distance of
	// the next one's if HasNext is set.
	Timestamp, Lasts int64
	HasNext          bool
	// Units are its NAL units, or what the camera takes for such. They are valid during
	// the call that delivers them.
	Units [][]byte
	// Damaged says that something of it is missing.
	Damaged bool
	// Arrived is when its last packet came.
	Arrived time.Time
}

// Assembler puts access units together (RFC 6184 §5.1, RFC 7798 §4.1): all packets of
// one have the same time stamp, the next one has another, and the last packet has the
// marker.
//
// An access unit is complete when the next one begins, and before that when all that has
// come is in it and its last packet has the marker. Not all cameras set the marker
// rightly: it is trusted once two in a row have had it in their last packet and nowhere
// else, and no more if a packet of the same access unit follows it.
type Assembler struct {
	unpack  func(a *Assembler, payload []byte)
	deliver func(*AccessUnit) error
	// reserve reserves memory, or releases it if it is less than nothing; nil if nobody
	// asks. reserved is what it has.
	reserve  func(sizeBytes int) error
	reserved int

	// data are NAL units, one after another, each of which begins at one of starts.
	data   []byte
	starts []int
	units  [][]byte
	// isOpen says that the last one is a fragment of a NAL unit.
	isOpen bool
	// begun says that there is an access unit, with this time stamp.
	begun     bool
	timestamp int64
	arrived   time.Time
	damaged   bool
	// marked says that its last packet has the marker, early that the access unit before
	// was taken for complete because of it.
	marked, early bool
	// trust counts the access units in a row that have ended with the marker; it is
	// negative if the marker means nothing.
	trust int
	err   error
}

// NewH264 makes an assembler for H.264, which hands access units to deliver.
func NewH264(deliver func(*AccessUnit) error) *Assembler {
	return &Assembler{unpack: unpackH264, deliver: deliver}
}

// NewH265 makes one for H.265. hasDON says that packets have decoding order numbers.
func NewH265(hasDON bool, deliver func(*AccessUnit) error) *Assembler {
	unpack := unpackH265
	if hasDON {
		unpack = unpackH265WithDON
	}
	return &Assembler{unpack: unpack, deliver: deliver}
}

// Reserve has the assembler ask for the memory of large access units before it takes any.
// It releases memory by a size less than 0, which does not fail.
func (a *Assembler) Reserve(reserve func(sizeBytes int) error) { a.reserve = reserve }

// Add takes the next packet. An error ends the stream.
func (a *Assembler) Add(p *Packet) error {
	switch {
	case a.begun && p.Timestamp != a.timestamp:
		if a.marked && a.trust >= 0 {
			a.trust++
		} else if a.trust > 0 {
			a.trust = 0
		}
		if err := a.complete(p.Timestamp, true); err != nil {
			return err
		}
	case a.begun && a.marked, a.early && p.Timestamp == a.timestamp:
		a.DistrustMarkers()
	}
	a.early = false
	if p.Gap {
		a.damaged, a.isOpen = true, false
	}
	a.begun, a.timestamp, a.arrived, a.marked = true, p.Timestamp, p.Arrived, p.Marker
	if len(p.Payload) > 0 {
		a.unpack(a, p.Payload)
	}
	return a.err
}

// DistrustMarkers says that the marker does not mean that an access unit is complete.
func (a *Assembler) DistrustMarkers() { a.trust = -1 }

// Settle says that nothing else has arrived until now.
func (a *Assembler) Settle() error {
	if !a.begun || !a.marked || a.trust < trustedAfter {
		return nil
	}
	a.early = true
	return a.complete(0, false)
}

// End says that nothing else will come. What has the marker is complete.
func (a *Assembler) End() error {
	if !a.begun || !a.marked {
		return nil
	}
	return a.complete(0, false)
}

// complete delivers the access unit, and begins another.
func (a *Assembler) complete(next int64, hasNext bool) error {
	a.units = a.units[:0]
	for i, start := range a.starts {
		end := len(a.data)
		if i+1 < len(a.starts) {
			end = a.starts[i+1]
		}
		a.units = append(a.units, a.data[start:end:end])
	}
	unit := AccessUnit{
		Timestamp: a.timestamp, HasNext: hasNext, Units: a.units, Damaged: a.damaged, Arrived: a.arrived,
	}
	if hasNext {
		unit.Lasts = next - a.timestamp
	}
	err := a.deliver(&unit)
	a.begun, a.marked, a.isOpen, a.damaged = false, false, false, false
	a.data, a.starts = a.data[:0], a.starts[:0]
	if cap(a.data) > keptBytes {
		a.data, a.starts, a.units = nil, nil, nil
	}
	a.hold(0)
	return err
}

// begin begins a NAL unit.
func (a *Assembler) begin(parts ...[]byte) {
	if len(a.starts) == MaxUnits {
		a.err = fmt.Errorf("an access unit has more than %d NAL units", MaxUnits)
		return
	}
	a.starts = append(a.starts, len(a.data))
	for _, part := range parts {
		a.extend(part)
	}
	a.isOpen = false
}

// extend adds to the last NAL unit.
func (a *Assembler) extend(part []byte) {
	if len(a.data)+len(part) > MaxAccessUnitBytes {
		a.err = fmt.Errorf("an access unit has more than %d bytes", MaxAccessUnitBytes)
		return
	}
	if need := len(a.data) + len(part); need > cap(a.data) && !a.grow(need) {
		return
	}
	a.data = append(a.data, part...)
}

// grow makes room for an access unit of so many bytes. Until that is copied, it takes as
// much as it did as well.
func (a *Assembler) grow(needBytes int) bool {
	capacity := min(max(2*cap(a.data), needBytes, minAssemblerBytes), MaxAccessUnitBytes)
	if capacity > keptBytes && !a.hold(capacity+cap(a.data)) {
		return false
	}
	grown := make([]byte, len(a.data), capacity)
	copy(grown, a.data)
	a.data = grown
	if capacity > keptBytes {
		a.hold(capacity)
	}
	return true
}

// hold reserves memory so that it is so much in all.
func (a *Assembler) hold(sizeBytes int) bool {
	if a.reserve == nil || sizeBytes == a.reserved {
		return true
	}
	if err := a.reserve(sizeBytes - a.reserved); err != nil {
		a.err = err
		return false
	}
	a.reserved = sizeBytes
	return true
}

// fragment takes a fragment of a NAL unit, behind the header that its first one gets.
func (a *Assembler) fragment(first, last bool, header, part []byte) {
	switch {
	case first:
		a.begin(header, part)
		a.isOpen = true
	case a.isOpen:
		a.extend(part)
	default:
		a.damaged = true // its beginning is missing
	}
	a.isOpen = a.isOpen && !last
}

// aggregate takes NAL units, each behind its size in two bytes, of which the given
// number of bytes are not part of it.
func (a *Assembler) aggregate(b []byte, before int) {
	for len(b) >= 2 {
		size := int(b[0])<<8 | int(b[1])
		b = b[2:]
		if size > len(b) {
			a.damaged = true
			return
		}
		if size > before {
			a.begin(b[before:size])
		}
		b = b[size:]
	}
}
