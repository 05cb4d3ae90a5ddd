package camera

import "fmt"

// maxAccessUnitBytes bounds the memory for a camera whose time stamp stands
// still. Key frames of 8K cameras have about a quarter of that.
const maxAccessUnitBytes = 32 << 20

// assembler puts access units together from the payloads of RTP packets, as a
// byte stream (ITU-T H.264 and H.265, annex B). All packets of an access unit
// have its time stamp, and those of the next one have another (RFC 6184 §5.1,
// RFC 7798 §4.1), so an access unit is known to be complete when the next one
// begins. What has one time stamp though it is several pictures, type stream parts.
//
// What is incomplete when the connection ends is lost.
type assembler struct {
	// pending is the access unit that is being received, done the one before.
	pending, done []byte
	pts           int64
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
	return a.done, unitPTS, nil
}
