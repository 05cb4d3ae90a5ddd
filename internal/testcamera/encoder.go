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
	"strings"
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
	codec   Codec
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
	e := &encoder{codec: p.Codec, command: exec.CommandContext(ctx, path, arguments(p)...)}
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
	e.output.Split(p.Codec.splitAccessUnits)
	if err := e.command.Start(); err != nil {
		return nil, fmt.Errorf("test camera: start ffmpeg: %w", err)
	}
	return e, nil
}

// arguments are those of ffmpeg: pictures come in at its standard input, and each
// is encoded before the next one comes.
func arguments(p Params) []string {
	encoder, byteStream := p.Codec.inFFmpeg()
	rate := strconv.Itoa(p.FPS)
	bitrate := strconv.Itoa(p.BitrateKbps) + "k"
	gop := strconv.Itoa(p.GOP)
	arguments := []string{
		"-hide_banner", "-loglevel", "error", "-nostdin",
		"-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", fmt.Sprintf("%dx%d", p.Width, p.Height), "-r", rate, "-i", "pipe:0",
		"-c:v", encoder, "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1",
		"-b:v", bitrate, "-maxrate", bitrate, "-bufsize", bitrate,
	}
	if p.Codec == H265 {
		arguments = append(arguments, "-x265-params", strings.Join([]string{
			"log-level=none", "pools=none", "aud=1", "repeat-headers=1",
			"keyint=" + gop, "min-keyint=" + gop, "scenecut=0", "open-gop=0", "bframes=0"}, ":"))
	} else {
		arguments = append(arguments, "-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-bf", "0", "-aud", "1")
	}
	return append(arguments, "-flush_packets", "1", "-f", byteStream, "pipe:1")
}

// next waits for an access unit. It returns io.EOF after the last one.
func (e *encoder) next() (AccessUnit, error) {
	if !e.output.Scan() {
		if err := e.output.Err(); err != nil {
			return AccessUnit{}, fmt.Errorf("test camera: read from ffmpeg: %w", err)
		}
		return AccessUnit{}, io.EOF
	}
	return e.codec.newAccessUnit(bytes.Clone(e.output.Bytes())), nil
}

// finish waits for the child, whose input must have been closed or whose
// context cancelled, and whose output read to its end.
func (e *encoder) finish() error {
	if err := e.command.Wait(); err != nil {
		return fmt.Errorf("test camera: ffmpeg: %w: %s", err, bytes.TrimSpace(e.stderr.Bytes()))
	}
	return nil
}
