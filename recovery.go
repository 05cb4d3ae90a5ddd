// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"bytes"
	"encoding/binary"
)

// recoveryUUID begins a box of our own within a VisualSampleEntry (ISO 14496-12 §11.1),
// which others skip. Behind it comes the roll distance in two bytes.
var recoveryUUID = [16]byte{0x6d, 0xf5, 0x72, 0x65, 0x63, 0x6f, 0x4e, 0x65, 0x92, 0x1b, 0x1c, 0x5e, 0x0a, 0x33, 0x7d, 0x41}

const (
	boxHeaderBytes         = 8
	visualSampleEntryBytes = boxHeaderBytes + 78 // up to the boxes in it (§12.1.3)
	recoveryBoxBytes       = boxHeaderBytes + len(recoveryUUID) + 2
)

// WithRecovery returns a configuration like e of a stream that has no sync samples but
// recovery points: those are what its recordings have for sync samples. Decoded from one
// on, pictures are complete after distance more; see Recovery.
func (e *VideoSampleEntry) WithRecovery(distance int16) *VideoSampleEntry {
	data := bytes.Clone(e.Data)
	data = binary.BigEndian.AppendUint32(data, uint32(recoveryBoxBytes))
	data = append(append(data, "uuid"...), recoveryUUID[:]...)
	data = binary.BigEndian.AppendUint16(data, uint16(distance))
	binary.BigEndian.PutUint32(data, uint32(len(data)))
	return NewVideoSampleEntry(data, e.Width, e.Height, e.PixelAspectH, e.PixelAspectV, e.RFC6381Codec)
}

// Recovery returns after how many samples behind a recovery point pictures are complete,
// at least 0. ok is false if recordings have sync samples, as is the rule.
func (e *VideoSampleEntry) Recovery() (distance int16, ok bool) {
	if len(e.Data) < visualSampleEntryBytes {
		return 0, false
	}
	for rest := e.Data[visualSampleEntryBytes:]; len(rest) >= boxHeaderBytes; {
		size := binary.BigEndian.Uint32(rest)
		if size < boxHeaderBytes || uint64(size) > uint64(len(rest)) {
			break
		}
		box := rest[:size]
		rest = rest[size:]
		if len(box) == recoveryBoxBytes && string(box[4:8]) == "uuid" && bytes.Equal(box[8:24], recoveryUUID[:]) {
			distance = int16(binary.BigEndian.Uint16(box[24:]))
			return max(distance, 0), true
		}
	}
	return 0, false
}
