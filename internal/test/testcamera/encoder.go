// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
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
	// PTS90k counts from the first picture of the source. Access units come in
	// decoding order.
	PTS90k int64
	// Sync tells a key frame: an IDR or CRA picture.
	Sync bool
}

// encoder is an ffmpeg child process that turns pictures into access units.
type encoder struct {
	codec   Codec
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Scanner
	stderr  bytes.Buffer
	// shown is a file to which ffmpeg writes the number of the picture in each
	// access unit, where that is not the access unit's, or else "". numbers is what
	// was there once the child has ended.
	shown   string
	numbers []int
}

// startEncoder starts the child, which lives until finish, and no longer than
// ctx.
func startEncoder(ctx context.Context, p Params) (*encoder, error) {
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, errors.New("test camera: ffmpeg is not installed (apt install ffmpeg)")
	}
	e := &encoder{codec: p.Codec}
	if p.BFrames > 0 {
		if e.shown, err = temporaryFile(); err != nil {
			return nil, fmt.Errorf("test camera: %w", err)
		}
	}
	e.command = exec.CommandContext(ctx, path, arguments(p, e.shown)...)
	e.command.Stderr = &e.stderr
	// Whoever presses Ctrl-C means us, and we end the child in order.
	e.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
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

// temporaryFile makes an empty file.
func temporaryFile() (path string, err error) {
	file, err := os.CreateTemp("", "moonfirefs-testcamera-")
	if err != nil {
		return "", err
	}
	return file.Name(), file.Close()
}

// readShown reads and removes the file shown.
func (e *encoder) readShown() error {
	if e.shown == "" {
		return nil
	}
	data, err := os.ReadFile(e.shown)
	if err := errors.Join(err, os.Remove(e.shown)); err != nil {
		return fmt.Errorf("test camera: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(line, ",") // stream, DTS, PTS, …
		if strings.HasPrefix(line, "#") || len(fields) < 3 {
			continue
		}
		number, err := strconv.Atoi(strings.TrimSpace(fields[2]))
		if err != nil {
			return fmt.Errorf("test camera: ffmpeg says %q", line)
		}
		e.numbers = append(e.numbers, number)
	}
	return nil
}

// arguments are those of ffmpeg: pictures come in at its standard input, and each
// is encoded before the next one comes, unless there are B-frames. Then the times of
// access units are written to the file shown.
func arguments(p Params, shown string) []string {
	encoder, byteStream := p.Codec.inFFmpeg()
	rate := strconv.Itoa(p.FPS)
	bitrate := strconv.Itoa(p.BitrateKbps) + "k"
	gop := strconv.Itoa(p.GOP)
	arguments := []string{
		"-hide_banner", "-loglevel", "error", "-nostdin",
		"-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", fmt.Sprintf("%dx%d", p.Width, p.Height), "-r", rate, "-i", "pipe:0",
		"-map", "0:v", "-c:v", encoder, "-threads", "1",
		"-b:v", bitrate, "-maxrate", bitrate, "-bufsize", bitrate,
	}
	switch p.Codec {
	case MJPEG:
		// The tables of RFC 2435, appendix B, and one of quantizers for each component.
		return append(arguments, "-pix_fmt", "yuvj420p", "-huffman", "default", "-force_duplicated_matrix", "1",
			"-flush_packets", "1", "-f", byteStream, "pipe:1")
	case AV1:
		return append(arguments, "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0",
			"-g", gop, "-keyint_min", gop, "-flush_packets", "1", "-f", byteStream, "pipe:1")
	}
	arguments = append(arguments, "-preset", "ultrafast")
	if p.BFrames == 0 {
		arguments = append(arguments, "-tune", "zerolatency")
	}
	bframes, open := strconv.Itoa(p.BFrames), "0"
	if p.OpenGOP {
		open = "1"
	}
	refresh := "0"
	if p.IntraRefresh {
		refresh = "1"
	}
	if p.Codec == H265 {
		arguments = append(arguments, "-x265-params", strings.Join([]string{
			"log-level=none", "pools=none", "aud=1", "repeat-headers=1",
			"keyint=" + gop, "min-keyint=" + gop, "scenecut=0", "open-gop=" + open, "bframes=" + bframes, "b-adapt=0"}, ":"))
	} else {
		arguments = append(arguments, "-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-aud", "1",
			"-intra-refresh", refresh, "-bf", bframes, "-b_strategy", "0", "-b-pyramid", "normal", "-refs", "3")
	}
	if p.BFrames > 0 {
		return append(arguments, "-f", "tee", fmt.Sprintf("[f=%s]pipe\\:1|[f=framecrc]%s", byteStream, shown))
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
	err := e.command.Wait()
	if err := e.readShown(); err != nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("test camera: ffmpeg: %w: %s", err, bytes.TrimSpace(e.stderr.Bytes()))
	}
	return nil
}
