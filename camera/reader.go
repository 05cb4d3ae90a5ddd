package camera

// #cgo pkg-config: libavformat libavcodec libavutil
// #include <libavutil/time.h>
// #include "reader.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// reader reads the packets of one stream of an input, on a thread that is none of
// Go's. That thread waits for each packet in libavformat. Go is told when a key frame
// is complete, and 0.2 s after the first of the packets that wait, 0.3 s where nothing
// more comes; it waits for that as it does for files.
//
// If a goroutine called libavformat, Go's scheduler would have to find out each time
// that the call blocks, and would wake and stop threads: that takes more time than all
// else that is done with a frame (design/performance.md).
//
// It is not safe for concurrent use.
type reader struct {
	input *C.moonfireInput
	ready *os.File
	// packets are those that were taken and not returned yet.
	packets []C.moonfirePacket
	// began is a moment by Go's clock and by libav's.
	began   time.Time
	beganUS C.int64_t
	// err is why there are no more packets after these; waited is how long
	// libavformat took to say so.
	err    error
	waited time.Duration
}

// packet is a piece of an access unit, as the RTP layer makes it.
type packet struct {
	// payload is valid until the next call of next.
	payload []byte
	// pts is noPTS if it is not known.
	pts int64
	// arrived is by the monotonic clock.
	arrived time.Time
	// camera90k is what the camera's clock showed at the time stamp, by its last
	// sender report, if isReported.
	camera90k  int64
	isReported bool
}

// newInput adds to an input what a reader and an interrupter need.
func newInput(format *astiav.FormatContext) (*C.moonfireInput, error) {
	input := C.moonfireNewInput(formatContextOf(format))
	if input == nil {
		return nil, errors.New("no memory for an input")
	}
	return input, nil
}

// formatContextOf is what go-astiav keeps to itself: the only field of its type.
func formatContextOf(format *astiav.FormatContext) *C.AVFormatContext {
	return *(**C.AVFormatContext)(unsafe.Pointer(format))
}

// The only field: otherwise, this does not compile.
var _ = [1]struct{}{}[unsafe.Sizeof(astiav.FormatContext{})-unsafe.Sizeof(uintptr(0))]

// newReader begins to read. The reader must be closed, and the input be interrupted
// before.
func newReader(input *C.moonfireInput, stream int, log *libavLog) (*reader, error) {
	var fd C.int
	errno := C.moonfireStartReading(input, &fd, C.int(stream), C.uintptr_t(log.handle), log.level)
	if errno != 0 {
		return nil, fmt.Errorf("start to read packets: %w", syscall.Errno(errno))
	}
	return &reader{
		input: input, ready: os.NewFile(uintptr(fd), "packets"),
		began: time.Now(), beganUS: C.av_gettime_relative(),
	}, nil
}

// next waits for a packet. After an error there are no more.
func (r *reader) next() (packet, error) {
	for len(r.packets) == 0 {
		if r.err != nil {
			return packet{}, r.err
		}
		var events [8]byte
		if _, err := r.ready.Read(events[:]); err != nil {
			return packet{}, fmt.Errorf("wait for packets: %w", err)
		}
		r.take()
	}
	p := &r.packets[0]
	r.packets = r.packets[1:]
	read := packet{
		payload: unsafe.Slice((*byte)(p.data), p.size), pts: int64(p.pts),
		arrived: r.began.Add(time.Duration(p.arrived_us-r.beganUS) * time.Microsecond),
	}
	if p.clock_us != noPTS {
		read.camera90k, read.isReported = int64(p.clock_us)*9/100, true
	}
	return read, nil
}

// take takes the packets that have arrived.
func (r *reader) take() {
	taken := new(C.moonfireTaken)
	C.moonfireTakePackets(r.input, taken)
	r.packets = unsafe.Slice(taken.packets, taken.n)
	if taken.ended != 0 {
		r.err, r.waited = astiav.Error(taken.error), time.Duration(taken.waited_us)*time.Microsecond
	}
}

// close waits until the input is no longer read.
func (r *reader) close() {
	C.moonfireStopReading(r.input)
	r.ready.Close()
}
