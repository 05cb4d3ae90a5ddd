// SPDX-License-Identifier: GPL-3.0-or-later

package previews

// #cgo pkg-config: libavcodec libavutil
// #include <string.h>
// #include <libavcodec/avcodec.h>
//
// /* Clears the memory of a picture, which the decoder uses for the next one. */
// static void moonfireBlank(AVFrame *frame)
// {
// 	for (int i = 0; i < AV_NUM_DATA_POINTERS; i++)
// 		if (frame->buf[i])
// 			memset(frame->buf[i]->data, 0, frame->buf[i]->size);
// }
import "C"

import (
	"errors"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// flush makes a decoder forget all frames, and its end.
func flush(decoder *astiav.CodecContext) {
	C.avcodec_flush_buffers(*(**C.AVCodecContext)(unsafe.Pointer(decoder)))
}

// blank clears a frame's memory.
func blank(frame *astiav.Frame) { C.moonfireBlank((*C.AVFrame)(frame.UnsafePointer())) }

// fill copies data to a packet, with the zeros behind it that decoders rely on: they may read
// some bytes too many. Packet.FromData makes no room for them.
func fill(packet *astiav.Packet, data []byte) error {
	p := *(**C.AVPacket)(unsafe.Pointer(packet))
	if C.av_new_packet(p, C.int(len(data))) < 0 {
		return errors.New("no memory for a packet")
	}
	copy(unsafe.Slice((*byte)(p.data), len(data)), data)
	return nil
}

// The pointers are the first fields: otherwise, this does not compile. In the go-astiav for
// FFmpeg 5, a CodecContext has a second one.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(astiav.Packet{})-unsafe.Sizeof(uintptr(0))]
	_ = [2]struct{}{}[unsafe.Sizeof(astiav.CodecContext{})/unsafe.Sizeof(uintptr(0))-1]
)
