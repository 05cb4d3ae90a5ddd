//go:build !ffmpeg7

package camera

import "github.com/asticode/go-astiav"

// ioInterrupter is the flag that libavformat polls, in the go-astiav that speaks
// FFmpeg 5.1.
type ioInterrupter = astiav.IOInterrupter

func interrupterOf(input *astiav.FormatContext) ioInterrupter {
	return input.SetInterruptCallback()
}
