package testcamera

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
)

// maxAccessUnitBytes bounds what is read of one access unit.
const maxAccessUnitBytes = 16 << 20

// AccessUnit is one encoded picture.
type AccessUnit struct {
	// NALs are the NAL units in order, without start codes. The first one is an
	// access unit delimiter; those of a key frame include its parameter sets.
	NALs [][]byte
	// Counter is the number that the picture shows.
	Counter int
	// PTS90k counts from the first picture of the source.
	PTS90k int64
	// Sync tells a key frame: an IDR picture.
	Sync bool
}

// encoder is an ffmpeg child process that turns pictures into access units.
type encoder struct {
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Scanner
	stderr  bytes.Buffer
}

// startEncoder starts the child, which lives until finish, and no longer than
// ctx.
func startEncoder(ctx context.Context, p Params) (*encoder, error) {
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, errors.New("test camera: ffmpeg is not installed (apt install ffmpeg)")
	}
	rate := strconv.Itoa(p.FPS)
	bitrate := strconv.Itoa(p.BitrateKbps) + "k"
	gop := strconv.Itoa(p.GOP)
	e := &encoder{command: exec.CommandContext(ctx, path,
		"-hide_banner", "-loglevel", "error", "-nostdin",
		"-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", fmt.Sprintf("%dx%d", p.Width, p.Height), "-r", rate, "-i", "pipe:0",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1",
		"-b:v", bitrate, "-maxrate", bitrate, "-bufsize", bitrate,
		"-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-bf", "0", "-aud", "1",
		"-flush_packets", "1", "-f", "h264", "pipe:1")}
	e.command.Stderr = &e.stderr
	if e.input, err = e.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("test camera: start ffmpeg: %w", err)
	}
	output, err := e.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("test camera: start ffmpeg: %w", err)
	}
	e.output = bufio.NewScanner(output)
	e.output.Buffer(make([]byte, 64<<10), maxAccessUnitBytes)
	e.output.Split(splitAccessUnits)
	if err := e.command.Start(); err != nil {
		return nil, fmt.Errorf("test camera: start ffmpeg: %w", err)
	}
	return e, nil
}

// next waits for an access unit. It returns io.EOF after the last one.
func (e *encoder) next() (AccessUnit, error) {
	if !e.output.Scan() {
		if err := e.output.Err(); err != nil {
			return AccessUnit{}, fmt.Errorf("test camera: read from ffmpeg: %w", err)
		}
		return AccessUnit{}, io.EOF
	}
	return newAccessUnit(bytes.Clone(e.output.Bytes())), nil
}

// finish waits for the child, whose input must have been closed or whose
// context cancelled, and whose output read to its end.
func (e *encoder) finish() error {
	if err := e.command.Wait(); err != nil {
		return fmt.Errorf("test camera: ffmpeg: %w: %s", err, bytes.TrimSpace(e.stderr.Bytes()))
	}
	return nil
}

// delimiter begins each access unit of the byte stream: a start code and the
// header of an access unit delimiter (ITU-T H.264 §7.4.1.2.3).
var delimiter = []byte{0, 0, 0, 1, 9}

// splitAccessUnits is a bufio.SplitFunc.
func splitAccessUnits(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if len(data) > len(delimiter) {
		if next := bytes.Index(data[len(delimiter):], delimiter); next >= 0 {
			end := len(delimiter) + next
			return end, data[:end], nil
		}
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// newAccessUnit splits the bytes of an access unit. The encoder writes start
// codes of three and of four bytes, and no other zero bytes between NAL units.
func newAccessUnit(byteStream []byte) AccessUnit {
	var au AccessUnit
	for _, nal := range bytes.Split(byteStream, []byte{0, 0, 1}) {
		if nal = bytes.TrimRight(nal, "\x00"); len(nal) > 0 {
			au.NALs = append(au.NALs, nal)
			au.Sync = au.Sync || nal[0]&0x1f == 5
		}
	}
	return au
}
