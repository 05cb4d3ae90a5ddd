// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"errors"
	"io"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
)

// nextOBU takes the first OBU off a byte stream (AV1 Bitstream & Decoding Process §5.2); it
// has a size field. The OBU is returned without that.
func nextOBU(data []byte) (unit, rest []byte, err error) {
	if len(data) < 2 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	if data[0]&0x06 != 0x02 {
		return nil, nil, errors.New("test camera: an OBU without a size or with an extension")
	}
	var size av1.LEB128
	n, err := size.Unmarshal(data[1:])
	if err != nil || int(size) > len(data)-1-n {
		return nil, nil, io.ErrUnexpectedEOF
	}
	unit = append([]byte{data[0] &^ 0x02}, data[1+n:][:size]...)
	return unit, data[1+n+int(size):], nil
}

// splitTemporalUnits is a bufio.SplitFunc: a temporal unit begins with a temporal
// delimiter.
func splitTemporalUnits(data []byte, atEOF bool) (advance int, token []byte, err error) {
	for rest := data; len(rest) > 0; {
		unit, behind, err := nextOBU(rest)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return 0, nil, err
		}
		if at := len(data) - len(rest); at > 0 && AV1.nalType(unit) == temporalDelimiter {
			return at, data[:at], nil
		}
		rest = behind
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

const temporalDelimiter = 2

// newTemporalUnit splits the bytes of a temporal unit. The delimiter is none of what is sent
// (RTP Payload Format For AV1 §4.5).
func newTemporalUnit(byteStream []byte) AccessUnit {
	var au AccessUnit
	for len(byteStream) > 0 {
		unit, rest, err := nextOBU(byteStream)
		if err != nil {
			break
		}
		if byteStream = rest; AV1.nalType(unit) != temporalDelimiter {
			au.NALs = append(au.NALs, unit)
			au.Sync = au.Sync || AV1.isSync(unit)
		}
	}
	return au
}
