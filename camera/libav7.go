//go:build ffmpeg7

package camera

import "github.com/asticode/go-astiav"

// ioInterrupter is the flag that libavformat polls, in the go-astiav that speaks
// FFmpeg 7.1.
type ioInterrupter = *astiav.IOInterrupter

func interrupterOf(input *astiav.FormatContext) ioInterrupter {
	i := astiav.NewIOInterrupter()
	input.SetIOInterrupter(i)
	// The input has copied what this frees. The flag is memory of Go's.
	i.Free()
	return i
}
