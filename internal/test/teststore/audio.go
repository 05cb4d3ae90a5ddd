// SPDX-License-Identifier: GPL-3.0-or-later

package teststore

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/demux"
)

// What audio is: AAC-LC of one channel.
const (
	AudioRate = 16000
	// AudioFrameSamples is how many PCM samples a frame has.
	AudioFrameSamples = 1024
	// audioDuration90k is how long a frame lasts: 64 ms.
	audioDuration90k = AudioFrameSamples * moonfirefs.UnitsPerSecond / AudioRate
)

// Audio is a tone that rises, encoded once.
type Audio struct {
	Entry  *moonfirefs.AudioSampleEntry
	Frames [][]byte
}

// EncodeAudio makes some seconds of audio. It needs ffmpeg.
func EncodeAudio(ctx context.Context, seconds int) (*Audio, error) {
	dir, err := os.MkdirTemp("", "moonfirefs-footage-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "audio.mp4")
	tone := fmt.Sprintf("aevalsrc='0.5*sin(2*PI*(300+37*t)*t)':s=%d:d=%d", AudioRate, seconds)
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", tone, "-c:a", "aac", "-ac", "1", path)
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("encode audio: ffmpeg: %w: %s", err, bytes.TrimSpace(output))
	}
	track, err := demux.File(path)
	if err != nil {
		return nil, fmt.Errorf("encode audio: %w", err)
	}
	a := &Audio{Entry: moonfirefs.NewAudioSampleEntry(track.Entry, AudioRate, 1, AudioFrameSamples, "mp4a.40.2")}
	for _, sample := range track.Samples {
		a.Frames = append(a.Frames, sample.Data)
	}
	return a, nil
}

// AudioFrames is the number of frames of audio: those that begin before the end.
func (t *Take) AudioFrames() int {
	if t.Audio == nil {
		return 0
	}
	return firstAudio(moonfirefs.Duration90k(t.Recordings*t.Seconds) * moonfirefs.UnitsPerSecond)
}

// firstAudio is the number of the first frame that does not begin before a time since
// the beginning of a take.
func firstAudio(at90k moonfirefs.Duration90k) int {
	return int((at90k + audioDuration90k - 1) / audioDuration90k)
}

// audioTrack is the audio of one recording of a take.
type audioTrack struct {
	take *Take
	// begin90k is when the recording begins, next the frame that comes next.
	begin90k moonfirefs.Duration90k
	next     int
}

func newAudioTrack(t *Take, begin90k moonfirefs.Duration90k) *audioTrack {
	return &audioTrack{take: t, begin90k: begin90k, next: firstAudio(begin90k)}
}

// chunk appends the frames that begin before a time since the recording's start.
func (s *audioTrack) chunk(table *moonfirefs.SampleTable, data *bytes.Buffer, until90k moonfirefs.Duration90k) {
	audio := s.take.Audio
	if audio == nil {
		return
	}
	var samples []moonfirefs.AudioSample
	for end := firstAudio(s.begin90k + until90k); s.next < end; s.next++ {
		frame := audio.Frames[s.next%len(audio.Frames)]
		data.Write(frame)
		samples = append(samples, moonfirefs.AudioSample{Duration90k: audioDuration90k, Bytes: int32(len(frame))})
	}
	if len(samples) > 0 {
		table.AddAudio(s.start90k(), samples)
	}
}

// start90k is how long after the recording's start its first frame begins.
func (s *audioTrack) start90k() moonfirefs.Duration90k {
	return moonfirefs.Duration90k(firstAudio(s.begin90k))*audioDuration90k - s.begin90k
}
