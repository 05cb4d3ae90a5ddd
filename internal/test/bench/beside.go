// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/gstserver"
)

// settling is how long recorders may take to connect.
const settling = 10 * time.Second

// recordingBeside is row 10: recorders of the same cameras at the same time. The cameras
// are streams of another project's server, to which ffmpeg sends footage with sound.
func recordingBeside(ctx context.Context, b *bench) error {
	source, err := b.encodeFootage(ctx, "1280x720")
	if err != nil {
		return err
	}
	for _, n := range b.comparedCameras {
		if err := b.besideOthers(ctx, source, n); err != nil {
			return fmt.Errorf("%d cameras: %w", n, err)
		}
	}
	return nil
}

// encodeFootage makes 20 s of 2 Mbit/s, with a key frame every two seconds.
func (b *bench) encodeFootage(ctx context.Context, size string) (path string, err error) {
	path = b.path("footage.mkv")
	return path, command(ctx, "ffmpeg", "-v", "error", "-y",
		"-f", "lavfi", "-i", "testsrc2=size="+size+":rate=25,noise=alls=12:allf=t",
		"-f", "lavfi", "-i", "aevalsrc='0.2*sin(2*PI*(300+7*t)*t)':s=16000", "-t", "20",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "0", "-g", "50",
		"-b:v", "2M", "-maxrate", "2M", "-bufsize", "1M", "-c:a", "aac", "-b:a", "64k", path)
}

// serveFootage serves n streams of a file, over and over, by GStreamer's server.
func serveFootage(source string, n int) (urls []string, all processes, err error) {
	var pipelines []string
	for range n {
		port, err := freePort()
		if err != nil {
			return nil, all, err
		}
		cmd := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", source,
			"-c", "copy", "-f", "matroska", "-live", "1", fmt.Sprintf("tcp://127.0.0.1:%d?listen=1", port))
		if err := cmd.Start(); err != nil {
			return nil, all, err
		}
		all = append(all, cmd)
		pipelines = append(pipelines, gstserver.Footage(port))
	}
	server := gstserver.Command(pipelines...)
	output, err := server.StdoutPipe()
	if err != nil {
		return nil, all, err
	}
	if err := server.Start(); err != nil {
		return nil, all, err
	}
	all = append(all, server)
	port, err := bufio.NewReader(output).ReadString('\n')
	for i := range n {
		urls = append(urls, gstserver.URL(strings.TrimSpace(port), i))
	}
	return urls, all, err
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// rival is another recorder.
type rival struct {
	name string
	processes
	// files is a pattern of what each of the cameras has a file of.
	files string
	contest
}

func (b *bench) besideOthers(ctx context.Context, source string, n int) (err error) {
	urls, servers, err := serveFootage(source, n)
	defer func() { servers.stop() }()
	if err != nil {
		return err
	}
	store := b.path(fmt.Sprintf("recorded%d", n))
	if err := b.newRecordingStore(ctx, store, urls); err != nil {
		return err
	}
	s, err := b.record(ctx, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	rivals, err := b.startRivals(urls)
	defer func() {
		for _, r := range rivals {
			r.stop()
		}
	}()
	if err != nil {
		return err
	}
	if err := sleep(ctx, min(settling, 10*b.recordingRound)); err != nil {
		return err
	}
	if err := b.watch(ctx, s, rivals, n); err != nil {
		return err
	}
	for _, r := range rivals {
		if files, err := filepath.Glob(r.files); err != nil || len(files) < n {
			return errors.Join(fmt.Errorf("%s has recorded %d files", r.name, len(files)), err)
		}
		b.report(10, fmt.Sprintf("time on a processor for each of %d recorded cameras, against %s", n, r.name), "%", &r.contest)
	}
	return nil
}

// watch measures the time on a processor of all recorders.
func (b *bench) watch(ctx context.Context, s *server, rivals []*rival, cameras int) error {
	perCamera := 100 / b.recordingRound.Seconds() / float64(cameras)
	for range b.rounds {
		before, err := used(s, rivals)
		if err != nil {
			return err
		}
		if err := sleep(ctx, b.recordingRound); err != nil {
			return err
		}
		after, err := used(s, rivals)
		if err != nil {
			return err
		}
		for i, r := range rivals {
			r.ours = append(r.ours, (after[0]-before[0])*perCamera)
			r.theirs = append(r.theirs, (after[1+i]-before[1+i])*perCamera)
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// startRivals starts the other recorders, or some of them.
func (b *bench) startRivals(urls []string) (rivals []*rival, err error) {
	segments := fmt.Sprintf("segments%d-", len(urls))
	ffmpegs, err := b.segment(segments, urls)
	rivals = append(rivals, &rival{name: "ffmpeg -f segment", processes: ffmpegs, files: b.path(segments + "*/*")})
	if err != nil || b.mediamtx == "" {
		return rivals, err
	}
	relayed := fmt.Sprintf("relayed%d", len(urls))
	server, err := b.relay(relayed, urls)
	return append(rivals, &rival{name: "mediamtx", processes: server, files: b.path(relayed + "/*/*")}), err
}

// processes are some that do the same.
type processes []*exec.Cmd

// segment records each camera with ffmpeg.
func (b *bench) segment(name string, urls []string) (all processes, err error) {
	for i, url := range urls {
		dir := b.path(name + strconv.Itoa(i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return all, err
		}
		cmd := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", url,
			"-c", "copy", "-f", "segment", "-segment_time", "60", filepath.Join(dir, "%d.mp4"))
		if err := cmd.Start(); err != nil {
			return all, err
		}
		all = append(all, cmd)
	}
	return all, nil
}

func (all processes) stop() {
	for _, cmd := range all {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
}

// relay records all cameras with one mediamtx.
func (b *bench) relay(name string, urls []string) (processes, error) {
	settings := []string{"rtspAddress: 127.0.0.1:0", "rtspTransports: [tcp]"}
	for _, other := range []string{"rtmp", "hls", "webrtc", "srt"} {
		settings = append(settings, other+": false")
	}
	settings = append(settings, "paths:")
	for i, url := range urls {
		settings = append(settings, fmt.Sprintf("  camera%d:", i), "    source: "+url, "    rtspTransport: tcp",
			"    record: true", "    recordPath: "+b.path(name)+"/%path/%Y-%m-%d_%H-%M-%S-%f")
	}
	path := b.path(name + ".yml")
	if err := os.WriteFile(path, []byte(strings.Join(settings, "\n")), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(b.mediamtx, path)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return processes{cmd}, nil
}

// used is how many seconds on a processor the recorder and each of its rivals have had.
func used(s *server, rivals []*rival) (all []float64, err error) {
	own, err := scheduled(s.cmd.Process.Pid)
	all = append(all, own)
	for _, r := range rivals {
		sum := 0.0
		for _, cmd := range r.processes {
			seconds, processErr := scheduled(cmd.Process.Pid)
			sum, err = sum+seconds, errors.Join(err, processErr)
		}
		all = append(all, sum)
	}
	return all, err
}
