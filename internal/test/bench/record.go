// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// What the cameras send that are recorded.
const (
	recordedFPS  = 30
	recordedKbps = 2000
)

// recordingCost are rows 10 and 11.
func recordingCost(ctx context.Context, b *bench) (err error) {
	cameras, err := b.startCameras(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cameras.close()) }()
	store := b.path("recorded")
	if err := b.newRecordingStore(ctx, store, cameras); err != nil {
		return err
	}
	return errors.Join(b.recordBeside(ctx, store, cameras), b.recordTraced(ctx, store, cameras), b.indexSizes(ctx))
}

// cameras are RTSP servers in this process.
type cameras []*testcamera.Camera

// startCameras starts cameras that all play the same pictures.
func (b *bench) startCameras(ctx context.Context) (all cameras, err error) {
	media, err := testcamera.Encode(ctx, testcamera.Params{
		Width: 640, Height: 360, FPS: recordedFPS, GOP: 2 * recordedFPS, BitrateKbps: recordedKbps / 2,
	}, 10*recordedFPS)
	if err != nil {
		return nil, err
	}
	for i := range media.AccessUnits {
		fillUp(&media.AccessUnits[i], recordedKbps*1000/8/recordedFPS)
	}
	for range b.recordedCameras {
		c, err := testcamera.Start(testcamera.Config{Source: media, KeepSent: 1})
		if err != nil {
			return nil, errors.Join(err, all.close())
		}
		all = append(all, c)
	}
	return all, nil
}

func (all cameras) close() (err error) {
	for _, c := range all {
		err = errors.Join(err, c.Close())
	}
	return err
}

// fillUp adds a message of supplemental enhancement information (ITU-T H.264 §D.1.7)
// to an access unit, since the test camera's pictures are too simple for the bit rate
// of a real one.
func fillUp(au *testcamera.AccessUnit, wantBytes int) {
	const unregistered = 5 // user data
	for _, nal := range au.NALs {
		wantBytes -= len(nal)
	}
	n := max(wantBytes, 16)
	sei := append([]byte{6, unregistered}, bytes.Repeat([]byte{0xff}, n/255)...)
	sei = append(sei, byte(n%255))
	sei = append(sei, bytes.Repeat([]byte{0xaa}, n)...)
	sei = append(sei, 0x80)
	au.NALs = append(au.NALs[:1:1], append([][]byte{sei}, au.NALs[1:]...)...)
}

func (b *bench) newRecordingStore(ctx context.Context, path string, cameras cameras) error {
	var names []teststore.Camera
	for i, c := range cameras {
		names = append(names, teststore.Camera{Name: fmt.Sprintf("camera%d", i+1), URL: c.URL(), RetainBytes: 1 << 60})
	}
	return teststore.Create(ctx, path, "UTC", names...)
}

// rival is another recorder.
type rival struct {
	name string
	processes
	// files is a pattern of what each of the cameras has a file of.
	files string
	contest
}

// recordBeside is row 10: all record the same cameras at the same time.
func (b *bench) recordBeside(ctx context.Context, store string, cameras cameras) (err error) {
	s, err := b.record(ctx, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	ffmpegs, err := b.segment(cameras)
	if err != nil {
		return err
	}
	defer ffmpegs.stop()
	rivals := []*rival{{name: "ffmpeg -f segment", processes: ffmpegs, files: b.path("segments*/*")}}
	if b.mediamtx != "" {
		server, err := b.relay(cameras)
		if err != nil {
			return err
		}
		defer server.stop()
		rivals = append(rivals, &rival{name: "mediamtx", processes: server, files: b.path("relayed/*/*")})
	}
	time.Sleep(5 * time.Second) // until all have connected
	perCamera := 100 / b.recordingRound.Seconds() / float64(len(cameras))
	for range b.rounds {
		before, err := used(s, rivals)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(b.recordingRound):
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
	for _, r := range rivals {
		if files, err := filepath.Glob(r.files); err != nil || len(files) < len(cameras) {
			return errors.Join(fmt.Errorf("%s has recorded %d files", r.name, len(files)), err)
		}
		b.report(10, fmt.Sprintf("time on a processor for each of %d recorded cameras, against %s", len(cameras), r.name), "%", &r.contest)
	}
	return nil
}

// processes are some that do the same.
type processes []*exec.Cmd

// segment records each camera with ffmpeg.
func (b *bench) segment(cameras cameras) (all processes, err error) {
	for i, c := range cameras {
		dir := b.path("segments" + strconv.Itoa(i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
		cmd := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", c.URL(),
			"-c", "copy", "-f", "segment", "-segment_time", "60", filepath.Join(dir, "%d.mp4"))
		if err := cmd.Start(); err != nil {
			all.stop()
			return nil, err
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
func (b *bench) relay(cameras cameras) (processes, error) {
	settings := []string{"rtspAddress: 127.0.0.1:0", "rtspTransports: [tcp]"}
	for _, other := range []string{"rtmp", "hls", "webrtc", "srt", "moq"} {
		settings = append(settings, other+": false")
	}
	settings = append(settings, "paths:")
	for i, c := range cameras {
		settings = append(settings, fmt.Sprintf("  camera%d:", i), "    source: "+c.URL(), "    rtspTransport: tcp",
			"    record: true", "    recordPath: "+b.path("relayed")+"/%path/%Y-%m-%d_%H-%M-%S-%f")
	}
	path := b.path("mediamtx.yml")
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

// recordTraced is row 11: each system call that writes to the index or waits for a
// disk is looked at.
func (b *bench) recordTraced(ctx context.Context, store string, cameras cameras) error {
	trace := b.path("trace")
	// -D makes the recorder our child, and strace a bystander.
	s, err := b.serve(ctx, "msg=recording", "strace", "-D", "-f", "-qq", "-y", "-s", "0", "-e", "trace=fsync,fdatasync,pwrite64,write", "-e", "signal=none",
		"-o", trace, b.program, "run", "--store", store)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(b.recordingTrace):
	}
	if err := s.stop(); err != nil {
		return err
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		return err
	}
	minutes := b.recordingTrace.Minutes() * float64(len(cameras))
	c := countCalls(string(text))
	b.note(11, "commits of a camera-minute", "%.1f", float64(c.commits)/minutes)
	b.note(11, "fsyncs of a camera-minute: sample files and directory; journals and checkpoints of them; index", "%.1f; %.1f; %.1f",
		float64(c.sampleSyncs)/minutes, float64(c.journalSyncs)/minutes, float64(c.indexSyncs)/minutes)
	b.note(11, "written to the index in a camera-minute; to the journal", "%.1f kB; %.1f kB",
		float64(c.indexBytes)/minutes/1e3, float64(c.journalBytes)/minutes/1e3)
	return nil
}

// indexSizes are of row 11 too.
func (b *bench) indexSizes(ctx context.Context) error {
	for _, fps := range []int{5, recordedFPS} {
		store := b.path(fmt.Sprintf("index%d", fps))
		if err := b.newStore(ctx, store, 1, fps); err != nil {
			return err
		}
		info, err := os.Stat(filepath.Join(store, "moonfire.db"))
		if err != nil {
			return err
		}
		b.note(11, fmt.Sprintf("index of a camera-day at %d frames a second", fps), "%.2f MB", float64(info.Size())/float64(b.cameras)/1e6)
	}
	return nil
}

// calls are what a recorder did.
type calls struct {
	commits, indexSyncs, sampleSyncs, journalSyncs int
	indexBytes, journalBytes                       int64
}

func countCalls(trace string) (c calls) {
	for line := range strings.Lines(trace) {
		wal, index := strings.Contains(line, "moonfire.db-wal>"), strings.Contains(line, "moonfire.db")
		switch {
		case strings.Contains(line, "write"):
			switch n := writtenBytes(line); {
			case index:
				c.indexBytes += n
			case strings.Contains(line, ".journal>"):
				c.journalBytes += n
			}
		case wal:
			c.commits++
			c.indexSyncs++
		case index:
			c.indexSyncs++
		case strings.Contains(line, "fdatasync("): // design/lifecycle.md, § Checkpoint
			c.journalSyncs++
		case strings.Contains(line, "fsync("):
			c.sampleSyncs++
		}
	}
	return c
}

// writtenBytes is what a call of write or pwrite64 was to write; 0 for one that is cut.
func writtenBytes(line string) (n int64) {
	if fields := strings.Split(line, ", "); len(fields) > 2 {
		length, _, _ := strings.Cut(fields[2], ")")
		n, _ = strconv.ParseInt(length, 10, 64)
	}
	return n
}
