// SPDX-License-Identifier: GPL-3.0-or-later

// Package gstserver runs GStreamer's RTSP server, as a camera that is not of this project.
package gstserver

import (
	_ "embed"
	"fmt"
	"os/exec"
)

//go:embed server.py
var script string

// Command serves a stream for each pipeline, a bin of GStreamer's with payloaders pay0, pay1
// and so on. The first line that it prints is its port on 127.0.0.1; see URL.
func Command(pipelines ...string) *exec.Cmd {
	// Debian's own Python has the bindings.
	return exec.Command("/usr/bin/python3", append([]string{"-c", script}, pipelines...)...)
}

// URL is that of the n-th stream, from 0 on, of a server with that port.
func URL(port string, n int) string { return fmt.Sprintf("rtsp://127.0.0.1:%s/%d", port, n) }

// Footage is a pipeline of the Matroska file that somebody sends to a TCP port, H.264 and
// AAC, at the pace at which it comes.
func Footage(tcpPort int) string {
	return fmt.Sprintf("( tcpclientsrc host=127.0.0.1 port=%d ! matroskademux name=d"+
		" d.video_0 ! queue ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96"+
		" d.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97 )", tcpPort)
}
