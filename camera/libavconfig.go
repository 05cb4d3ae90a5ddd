// SPDX-License-Identifier: GPL-3.0-or-later

package camera

// #cgo pkg-config: libavcodec libavutil
// #include <string.h>
// #include <libavcodec/avcodec.h>
// #include <libavutil/mem.h>
//
// // Takes over the configuration that a packet announces: 1 if it does, 0 if it does not, or an
// // error of libav's.
// static int takeConfiguration(AVCodecParameters *parameters, const AVPacket *packet)
// {
// 	size_t size = 0;
// 	const uint8_t *data = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
// 	uint8_t *copy;
//
// 	if (!data || !size || size > 1 << 20)
// 		return 0;
// 	copy = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
// 	if (!copy)
// 		return AVERROR(ENOMEM);
// 	memcpy(copy, data, size);
// 	av_freep(&parameters->extradata);
// 	parameters->extradata = copy;
// 	parameters->extradata_size = (int)size;
// 	return 1;
// }
import "C"

import (
	"unsafe"

	"github.com/asticode/go-astiav"
)

// takeConfiguration tells whether the packet that was read announces another configuration of
// its stream, as FLV has it in the middle, which is that of the stream then.
func (l *libavSource) takeConfiguration(stream *astiav.Stream) (changed bool, err error) {
	l.enter()
	defer l.leave()
	parameters := *(**C.AVCodecParameters)(unsafe.Pointer(stream.CodecParameters()))
	switch C.takeConfiguration(parameters, *(**C.AVPacket)(unsafe.Pointer(l.packet))) {
	case 0:
		return false, nil
	case 1:
		return true, nil
	}
	return false, errMemory
}

// The only field: otherwise, this does not compile.
var _ = [1]struct{}{}[unsafe.Sizeof(astiav.Packet{})-unsafe.Sizeof(uintptr(0))]
