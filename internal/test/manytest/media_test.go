// SPDX-License-Identifier: GPL-3.0-or-later

package manytest

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// The media have 2 Mbit/s: 25 frames a second, with a key frame every two seconds.
const (
	mediaFrames   = 250
	gopFrames     = 50
	keyFrameBytes = 60_000
	frameBytes    = (500_000 - keyFrameBytes) / (gopFrames - 1)
)

// newMedia makes numbered pictures of a bit rate that the encoder would not need
// for them: supplemental information is added up to the size that is wanted.
func newMedia(ctx context.Context, gop int) (*testcamera.Media, error) {
	media, err := testcamera.Encode(ctx, testcamera.Params{FPS: 25, GOP: gop, BitrateKbps: 200}, mediaFrames)
	if err != nil {
		return nil, err
	}
	for i := range media.AccessUnits {
		pad(&media.AccessUnits[i])
	}
	return media, nil
}

// pad inserts an SEI message before the first slice.
func pad(au *testcamera.AccessUnit) {
	want := frameBytes
	if au.Sync {
		want = keyFrameBytes
	}
	for _, nal := range au.NALs {
		want -= len(nal)
	}
	last := len(au.NALs) - 1
	if want < 100 {
		return
	}
	au.NALs = append(au.NALs[:last:last], userData(want), au.NALs[last])
}

// userData is an SEI message with unregistered user data (ITU-T H.264 §D.1.7) in a
// NAL unit of about the given size, without any zero bytes.
func userData(sizeBytes int) []byte {
	payload := sizeBytes - sizeBytes/255 - 4
	nal := []byte{6, 5}
	nal = append(nal, bytes.Repeat([]byte{0xff}, payload/255)...)
	nal = append(nal, byte(payload%255))
	nal = append(nal, bytes.Repeat([]byte{0xa5}, payload)...)
	return append(nal, 0x80)
}

// samples are the access units of media as they are recorded: NAL units with a
// length, without delimiter and parameter sets.
func samples(media *testcamera.Media) [][]byte {
	all := make([][]byte, len(media.AccessUnits))
	for i, au := range media.AccessUnits {
		for _, nal := range au.NALs {
			switch nal[0] & 0x1f {
			case 7, 8, 9:
				continue
			}
			all[i] = binary.BigEndian.AppendUint32(all[i], uint32(len(nal)))
			all[i] = append(all[i], nal...)
		}
	}
	return all
}
