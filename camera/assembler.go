package camera

import "fmt"

// maxAccessUnitBytes bounds the memory for a camera whose time stamp stands
// still. Key frames of 8K cameras have about a quarter of that.
const maxAccessUnitBytes = 32 << 20

// assembler puts access units together from the payloads of RTP packets, as a
// byte stream (ITU-T H.264 and H.265, annex B). All packets of an access unit
// have its time stamp, and those of the next one have another (RFC 6184 §5.1,
// RFC 7798 §4.1), so an access unit is known to be complete when the next one
// begins. The two fields of an interlaced frame with one time stamp become one
// sample.
//
// What is incomplete when the connection ends is lost.
type assembler struct {
	// beginsPicture tells whether a NAL unit begins a picture.
	beginsPicture func(unit []byte) bool
	// pending is the access unit that is being received, done the one before.
	pending, done []byte
	pts           int64
	// units counts the access units that have been completed.
	units int
}

// add takes the payload of a packet. If it begins a new access unit, add returns
// the one before, which is valid until the next call, and its time stamp.
func (a *assembler) add(payload []byte, pts int64) (byteStream []byte, unitPTS int64, err error) {
	if len(a.pending) == 0 || pts == a.pts {
		a.pending, a.pts = append(a.pending, payload...), pts
		if len(a.pending) > maxAccessUnitBytes {
			return nil, 0, fmt.Errorf("an access unit has more than %d bytes", maxAccessUnitBytes)
		}
		return nil, 0, nil
	}
	a.pending, a.done = a.done[:0], a.pending
	a.pending = append(a.pending, payload...)
	unitPTS, a.pts = a.pts, pts
	if a.units++; a.units == 1 && a.pictures(a.done) > 1 {
		// Where RTP time stamps start at 0, libavformat takes the second one for
		// the origin and gives the first two pictures the same time. They cannot
		// be told apart from one access unit later on, so they are left out.
		return nil, 0, nil
	}
	return a.done, unitPTS, nil
}

// pictures counts the pictures that begin in a byte stream.
func (a *assembler) pictures(byteStream []byte) (n int) {
	for unit := range nalUnits(byteStream) {
		if a.beginsPicture(unit) {
			n++
		}
	}
	return n
}
