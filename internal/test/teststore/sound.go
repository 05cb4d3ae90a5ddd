package teststore

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
)

// What sound is: AAC-LC of one channel.
const (
	AudioRate = 16000
	// AudioFrameSamples is how many PCM samples a frame has.
	AudioFrameSamples = 1024
	// soundDuration90k is how long a frame lasts: 64 ms.
	soundDuration90k = AudioFrameSamples * moonfirefs.UnitsPerSecond / AudioRate
)

// Sound is a tone that rises, encoded once.
type Sound struct {
	Entry  *moonfirefs.AudioSampleEntry
	Frames [][]byte
}

// EncodeAudio makes some seconds of sound. It needs ffmpeg, which puts it into an mp4
// file: a second opinion on what a sample entry is.
func EncodeAudio(ctx context.Context, seconds int) (*Sound, error) {
	dir, err := os.MkdirTemp("", "moonfirefs-footage-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "sound.mp4")
	tone := fmt.Sprintf("aevalsrc='0.5*sin(2*PI*(300+37*t)*t)':s=%d:d=%d", AudioRate, seconds)
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", tone, "-c:a", "aac", "-ac", "1", path)
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("encode sound: ffmpeg: %w: %s", err, bytes.TrimSpace(output))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := new(Sound)
	if err := s.takeApart(data); err != nil {
		return nil, fmt.Errorf("encode sound: %w", err)
	}
	return s, nil
}

// takeApart reads frames and sample entry of an mp4 file with one track.
func (s *Sound) takeApart(data []byte) error {
	file, err := mp4.DecodeFileSR(bits.NewFixedSliceReader(data))
	if err != nil {
		return err
	}
	trak := file.Moov.Trak
	var entry bytes.Buffer
	if err := trak.Mdia.Minf.Stbl.Stsd.Mp4a.Encode(&entry); err != nil {
		return err
	}
	s.Entry = moonfirefs.NewAudioSampleEntry(entry.Bytes(), AudioRate, 1, AudioFrameSamples, "mp4a.40.2")
	for n := uint32(1); n <= trak.GetNrSamples(); n++ {
		ranges, err := trak.GetRangesForSampleInterval(n, n)
		if err != nil {
			return err
		}
		at := ranges[0].Offset
		s.Frames = append(s.Frames, data[at:at+ranges[0].Size])
	}
	return nil
}

// AudioFrames is the number of frames of sound: those that begin before the end.
func (t *Take) AudioFrames() int {
	if t.Sound == nil {
		return 0
	}
	return firstSound(moonfirefs.Duration90k(t.Recordings*t.Seconds) * moonfirefs.UnitsPerSecond)
}

// firstSound is the number of the first frame that does not begin before a time since
// the beginning of a take.
func firstSound(at90k moonfirefs.Duration90k) int {
	return int((at90k + soundDuration90k - 1) / soundDuration90k)
}

// soundtrack is the sound of one recording of a take.
type soundtrack struct {
	take *Take
	// begin90k is when the recording begins, next the frame that comes next.
	begin90k moonfirefs.Duration90k
	next     int
}

func newSoundtrack(t *Take, begin90k moonfirefs.Duration90k) *soundtrack {
	return &soundtrack{take: t, begin90k: begin90k, next: firstSound(begin90k)}
}

// chunk appends the frames that begin before a time since the recording's start.
func (s *soundtrack) chunk(table *moonfirefs.SampleTable, data *bytes.Buffer, until90k moonfirefs.Duration90k) {
	sound := s.take.Sound
	if sound == nil {
		return
	}
	var samples []moonfirefs.AudioSample
	for end := firstSound(s.begin90k + until90k); s.next < end; s.next++ {
		frame := sound.Frames[s.next%len(sound.Frames)]
		data.Write(frame)
		samples = append(samples, moonfirefs.AudioSample{Duration90k: soundDuration90k, Bytes: int32(len(frame))})
	}
	if len(samples) > 0 {
		table.AddAudio(s.start90k(), samples)
	}
}

// start90k is how long after the recording's start its first frame begins.
func (s *soundtrack) start90k() moonfirefs.Duration90k {
	return moonfirefs.Duration90k(firstSound(s.begin90k))*soundDuration90k - s.begin90k
}
