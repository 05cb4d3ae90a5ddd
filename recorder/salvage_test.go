// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/journal"
)

// crash forgets everything that is in memory, as SIGKILL does: what was written
// is in the files.
func (b *bench) crash() {
	b.Helper()
	b.unaccounted = true
	b.setUp()
	b.events = nil
}

// restart opens the store after a crash.
func (b *bench) restart() {
	b.Helper()
	b.crash()
	b.must(b.syncer.open(b.Context(), b.open))
}

func (b *bench) journals() int {
	b.Helper()
	names, err := b.dir.Journals()
	b.must(err)
	return len(names)
}

// After a crash, what was written is there up to the last frame, at the right time, and
// recording goes on.
func TestSalvage(t *testing.T) {
	b := newBench(t, plenty)
	frames := b.shoot(35)
	b.restart()
	all := b.recordings()
	hasBytes(t, all, join(frames))
	want := moonfirefs.Summary{
		ID: 1, Start90k: moonfirefs.FromTime(noon), Duration90k: 34 * 9000, SampleFileBytes: int64(len(join(frames))),
		VideoSampleEntry: 1, VideoSamples: 35, VideoSyncSamples: 4, Flags: moonfirefs.FlagSalvaged | moonfirefs.FlagTrailingZero,
	}
	if len(all) != 1 || all[0].Summary != want || all[0].Open != b.open {
		t.Fatalf("salvaged %v, want %+v", all, want)
	}
	if n := b.journals(); n != 0 {
		t.Errorf("%d journals are left", n)
	}
	frames = append(frames, b.recording(15)...)
	b.flush()
	hasBytes(t, b.recordings(), join(frames))
	b.noneReserved()
}

// Recordings that were finished but not committed are salvaged whole, in order,
// and touch exactly.
func TestSalvageOfFinishedRecordings(t *testing.T) {
	b := newBench(t, plenty)
	frames := b.shoot(10*150 + 5)
	if len(b.syncer.saver.waiting) != 2 {
		t.Fatalf("%d recordings wait", len(b.syncer.saver.waiting))
	}
	b.streamer.endRun()
	b.restart()
	all := b.recordings() // checks the run
	hasBytes(t, all, join(frames))
	if len(all) != 3 || all[1].RunOffset != 1 || all[2].RunOffset != 2 || all[1].Start90k != all[0].End90k() ||
		all[2].Start90k != all[1].End90k() || all[2].Flags != moonfirefs.FlagSalvaged|moonfirefs.FlagTrailingZero {
		t.Errorf("salvaged %v", all)
	}
}

// A crash in the middle of salvaging costs nothing: it is done again.
func TestSalvageIsRepeated(t *testing.T) {
	for _, event := range []string{"save 1", "read journal", "reopen", "truncate"} {
		t.Run(event, func(t *testing.T) {
			b := newBench(t, plenty)
			frames := b.shoot(35)
			b.crash()
			b.fail[event] = 1
			err := b.syncer.open(t.Context(), b.open)
			if event == "save 1" && !errors.Is(err, errInjected) {
				t.Fatalf("got %v", err)
			}
			if b.fail[event] != 0 {
				t.Fatal("nothing failed")
			}
			b.fail = map[string]int{}
			b.restart()
			hasBytes(t, b.recordings(), join(frames))
			b.flush()
			b.noneReserved()
		})
	}
}

// What cannot be made durable is not committed, here as everywhere.
func TestSalvagedFileMustBeDurable(t *testing.T) {
	b := newBench(t, plenty)
	b.shoot(35)
	b.crash()
	b.fail["fsync file"] = 1
	b.must(b.syncer.open(t.Context(), b.open))
	if all := b.recordings(); len(all) != 0 {
		t.Errorf("recordings %v", all)
	}
	b.flush()
	b.noneReserved()
}

// The quota counts what is salvaged: the oldest recordings go, no more than
// needed.
func TestSalvageWithinQuota(t *testing.T) {
	b := newBench(t, 3000)
	for range 5 {
		b.recording(20)
		b.must(b.syncer.saver.save())
	}
	before := b.recordings()
	b.fake.next += 9 - (b.fake.next+9)%10
	b.shoot(25)
	b.restart()
	after := b.recordings()
	if n := len(after); n < 2 || after[n-1].Flags&moonfirefs.FlagSalvaged == 0 || after[n-2].ID != before[len(before)-1].ID || after[0].ID == before[0].ID {
		t.Errorf("%v became %v", before, after)
	}
}

// crashed is a store after a crash: a sample file and its journal, whose bytes
// tests change.
type crashed struct {
	*bench
	name          uuid.UUID
	frames        []camera.Frame
	data, journal []byte
}

func newCrashed(t *testing.T) *crashed {
	b := newBench(t, plenty)
	c := &crashed{bench: b, frames: b.shoot(26)}
	c.name = b.streamer.run.current.file.name
	var err error
	c.data, err = os.ReadFile(b.samplePath(1, c.name))
	b.must(err)
	c.journal, err = b.dir.ReadJournal(c.name, journal.MaxBytes)
	b.must(err)
	b.crash()
	return c
}

// salvage tries with other bytes. It returns nil if there is nothing whole.
func (c *crashed) salvage(data, journal []byte) *moonfirefs.Recording {
	c.Helper()
	path := c.samplePath(1, c.name)
	c.must(os.WriteFile(path, data, 0o600))
	c.must(os.WriteFile(path+".journal", journal, 0o600))
	f, err := c.syncer.salvager.salvageOne(c.Context(), index.Reservation{SampleFile: moonfirefs.SampleFile{UUID: c.name, Dir: 1}})
	if errors.Is(err, errNothingWhole) {
		return nil
	}
	c.must(err)
	c.must(f.file.Close())
	return f.row
}

// requireFrames requires a recording of the first n frames, and its file cut to
// them.
func (c *crashed) requireFrames(r *moonfirefs.Recording, n int, what string, at int) {
	c.Helper()
	if n == 0 {
		if r != nil {
			c.Fatalf("%s %d: %d frames out of nothing", what, at, r.VideoSamples)
		}
		return
	}
	want := join(c.frames[:n])
	if r == nil || int(r.VideoSamples) != n || r.SampleFileBytes != int64(len(want)) || r.SampleFileSHA1 != sha1.Sum(want) || r.SampleFileSHA256 != sha256.Sum256(want) ||
		r.Start90k != moonfirefs.FromTime(noon) {
		c.Fatalf("%s %d: got %+v, want %d frames", what, at, r, n)
	}
	known90k := moonfirefs.Duration90k(n) * 9000
	if r.Flags&moonfirefs.FlagTrailingZero != 0 {
		known90k -= 9000
	}
	if r.Duration90k != known90k {
		c.Fatalf("%s %d: it lasts %v, want %v", what, at, r.Duration90k, known90k)
	}
	data, err := os.ReadFile(c.samplePath(1, c.name))
	c.must(err)
	if !bytes.Equal(data, want) {
		c.Fatalf("%s %d: the file has %d bytes", what, at, len(data))
	}
	if samples := decodeIndex(c.T, r.VideoIndex, r.Flags); len(samples) != n {
		c.Fatalf("%s %d: the index has %d frames", what, at, len(samples))
	}
}

// framesWithin is how many whole frames a file of that size has.
func (c *crashed) framesWithin(size int) (n int) {
	for n < len(c.frames) && size >= len(c.frames[n].Data) {
		size -= len(c.frames[n].Data)
		n++
	}
	return n
}

// inJournal is how many frames the first size bytes of the journal tell of.
func (c *crashed) inJournal(size int) int {
	j, _ := journal.Decode(c.journal[:size])
	if j == nil {
		return 0
	}
	return len(j.Samples)
}

// Wherever the sample file ends, what is salvaged are the whole frames that both
// tell of.
func TestSalvageOfEveryTruncation(t *testing.T) {
	c := newCrashed(t)
	known := c.inJournal(len(c.journal))
	if known != 26 {
		t.Fatalf("the journal tells of %d frames", known)
	}
	for size := range len(c.data) + 1 {
		c.requireFrames(c.salvage(c.data[:size], c.journal), min(c.framesWithin(size), known), "sample file of", size)
	}
	for size := range len(c.journal) + 1 {
		c.requireFrames(c.salvage(c.data, c.journal[:size]), c.inJournal(size), "journal of", size)
	}
	// More than the journal tells of, such as zeros that the file system added.
	c.requireFrames(c.salvage(append(bytes.Clone(c.data), make([]byte, 1000)...), c.journal), known, "zeros", 1000)
}

// Whatever byte is damaged, what is salvaged is as it was sent.
func TestSalvageOfEveryFlippedByte(t *testing.T) {
	c := newCrashed(t)
	for i := range c.data {
		damaged := bytes.Clone(c.data)
		damaged[i] ^= 0x40
		c.requireFrames(c.salvage(damaged, c.journal), min(c.framesWithin(i), 26), "sample file, byte", i)
	}
	for i := range c.journal {
		if i == 3 {
			continue // the version
		}
		damaged := bytes.Clone(c.journal)
		damaged[i] ^= 0x40
		j, err := journal.Decode(damaged)
		n := 0
		if j != nil {
			n = len(j.Samples)
		}
		if err == nil || n > c.inJournal(i) {
			t.Fatalf("byte %d: %d frames, %v", i, n, err)
		}
		c.requireFrames(c.salvage(c.data, damaged), n, "journal, byte", i)
	}
}

// Zeros in the middle, where the file system never wrote the data, end what is
// salvaged.
func TestSalvageStopsAtHole(t *testing.T) {
	c := newCrashed(t)
	damaged := bytes.Clone(c.data)
	from := len(join(c.frames[:13]))
	clear(damaged[from : from+5])
	c.requireFrames(c.salvage(damaged, c.journal), 13, "hole at", from)
}

// What cannot be a recording of this store is kept, byte for byte, and said, and
// nothing else suffers: not now, and not when the recorder closes.
func TestKeepsWhatCannotBeSalvaged(t *testing.T) {
	header := func(change func(*journal.Header)) func(*crashed) {
		return func(c *crashed) {
			j, err := journal.Decode(c.journal)
			c.must(err)
			change(&j.Header)
			c.journal, err = journal.AppendHeader(nil, &j.Header)
			c.must(err)
			var group journal.Group
			for _, s := range j.Samples {
				group.Add(s.Sample, s.Sum)
			}
			c.journal = group.AppendRecord(c.journal, j.Dating)
		}
	}
	tests := map[string]struct {
		change func(*crashed)
		want   string
	}{
		"stream that was removed":  {header(func(h *journal.Header) { h.Stream = 99 }), "look up stream 99: not found"},
		"opening of a newer index": {header(func(h *journal.Header) { h.Open = 99 }), "opening 99"},
		"journal of another file":  {header(func(h *journal.Header) { h.SampleFile = uuid.New() }), "its journal is of the file"},
		"newer version":            {func(c *crashed) { c.journal[3]++ }, "version 3"},
		"recording already": {func(c *crashed) {
			c.exec(`
				insert into recording (stream_id, open_id, run_offset, flags, start_time_90k, duration_90k, local_time_delta_90k,
				  video_samples, video_sync_samples, video_sample_entry_id, sample_dir_id, sample_file_bytes, sample_file_uuid,
				  sample_file_sha1, video_index)
				values (1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 1, 1, ?, zeroblob(20), x'00')`, c.name[:])
		}, "it is a recording already"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCrashed(t)
			c.broken = true
			c.exec(`insert into video_sample_entry values (1, zeroblob(20), 1, 1, 1, 1, '', zeroblob(9))`)
			other := c.other()
			test.change(c)
			path := c.samplePath(1, c.name)
			c.must(os.WriteFile(path+".journal", c.journal, 0o600))
			var text strings.Builder
			c.syncer.salvager.log = slog.New(slog.NewTextHandler(&text, nil))
			c.must(c.syncer.open(t.Context(), c.open))
			kept := c.recording(15)
			c.flush()
			for file, want := range map[string][]byte{path: c.data, path + ".journal": c.journal} {
				if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s changed, %v", file, err)
				}
			}
			if strings.Count(text.String(), "cannot salvage") != 1 || !strings.Contains(text.String(), test.want) {
				t.Errorf("logged:\n%s", &text)
			}
			if n := c.count(`select count(*) from reserved_sample_files`); n != 1 {
				t.Errorf("%d names are reserved, want that of the file", n)
			}
			if name != "recording already" {
				hasBytes(t, c.recordings(), append(other, join(kept)...))
			}
		})
	}
}

// other leaves a second file that a crash has interrupted, of the same content,
// and returns what is to be salvaged of it.
func (c *crashed) other() []byte {
	c.Helper()
	name := c.reserved("writing", false)
	c.must(os.WriteFile(c.samplePath(1, name), c.data, 0o600))
	j, err := journal.Decode(c.journal)
	c.must(err)
	j.SampleFile = name
	data, err := journal.AppendHeader(nil, &j.Header)
	c.must(err)
	var group journal.Group
	for _, s := range j.Samples {
		group.Add(s.Sample, s.Sum)
	}
	c.must(os.WriteFile(c.samplePath(1, name)+".journal", group.AppendRecord(data, j.Dating), 0o600))
	return join(c.frames[:len(j.Samples)])
}

// A journal whose name is not reserved is removed, its sample file is not: the
// one is garbage, the other a stranger.
func TestOrphanJournals(t *testing.T) {
	b := newBench(t, plenty)
	b.recording(10)
	b.must(b.syncer.saver.save())
	recorded, stranger := b.recordings()[0].SampleFile, uuid.New()
	for _, name := range []uuid.UUID{recorded, stranger, uuid.New()} {
		f, err := b.dir.CreateJournal(name)
		b.must(err)
		b.must(f.Close())
	}
	b.must(os.WriteFile(b.samplePath(1, stranger), []byte("stranger"), 0o600))
	b.restart()
	if n := b.journals(); n != 0 {
		t.Errorf("%d journals are left", n)
	}
	b.must(b.dir.Unlink(stranger)) // fails if it has gone
	b.flush()
	if all := b.recordings(); len(all) != 1 {
		t.Errorf("recordings %v", all)
	}
	b.noneReserved()
}

// TestSalvagedRow ensures that the row of a salvaged recording tells of the pieces that
// are whole, wherever the file was cut.
func TestSalvagedRow(t *testing.T) {
	video := func(duration90k, sizeBytes int32, sync bool) journal.Sample {
		return journal.Sample{Sample: moonfirefs.Sample{Duration90k: duration90k, Bytes: sizeBytes, Sync: sync}}
	}
	audio := func(after int, samples ...moonfirefs.AudioSample) journal.Chunk {
		c := journal.Chunk{After: after, Samples: samples, Start90k: 500}
		for _, s := range samples {
			c.Bytes += int64(s.Bytes)
		}
		return c
	}
	j := &journal.Journal{
		Header:  journal.Header{SampleFile: uuid.New(), Stream: 3, Open: 7, RunOffset: 2},
		Dating:  journal.Dating{Start90k: 1000, LocalTimeDelta90k: -5},
		Samples: []journal.Sample{video(3000, 100, true), video(3001, 10, false), video(3002, 90, true), video(0, 20, false)},
		Chunks:  []journal.Chunk{audio(2, moonfirefs.AudioSample{Duration90k: 1920, Bytes: 5}, moonfirefs.AudioSample{Duration90k: 1921, Bytes: 6}), audio(4, moonfirefs.AudioSample{Duration90k: 1922, Bytes: 7})},
	}
	const salvaged = moonfirefs.FlagSalvaged
	twoSamples := moonfirefs.AudioSummary{Samples: 2, Chunks: 1, Bytes: 11, Start90k: 500, Duration90k: 3841}
	tests := map[string]struct {
		pieces int
		want   moonfirefs.Summary
	}{
		"a frame":                {1, moonfirefs.Summary{VideoSamples: 1, VideoSyncSamples: 1, SampleFileBytes: 100, Duration90k: 3000, Flags: salvaged}},
		"up to the audio":        {2, moonfirefs.Summary{VideoSamples: 2, VideoSyncSamples: 1, SampleFileBytes: 110, Duration90k: 6001, Flags: salvaged}},
		"up to the end of it":    {3, moonfirefs.Summary{VideoSamples: 2, VideoSyncSamples: 1, SampleFileBytes: 121, Duration90k: 6001, Flags: salvaged | moonfirefs.FlagAudio, Audio: twoSamples}},
		"a frame behind it":      {4, moonfirefs.Summary{VideoSamples: 3, VideoSyncSamples: 2, SampleFileBytes: 211, Duration90k: 9003, Flags: salvaged | moonfirefs.FlagAudio | moonfirefs.FlagVideoLast, Audio: twoSamples}},
		"a frame without an end": {5, moonfirefs.Summary{VideoSamples: 4, VideoSyncSamples: 2, SampleFileBytes: 231, Duration90k: 9003, Flags: salvaged | moonfirefs.FlagAudio | moonfirefs.FlagVideoLast | moonfirefs.FlagTrailingZero, Audio: twoSamples}},
		"all that the journal has": {6, moonfirefs.Summary{VideoSamples: 4, VideoSyncSamples: 2, SampleFileBytes: 238, Duration90k: 9003, Flags: salvaged | moonfirefs.FlagAudio | moonfirefs.FlagTrailingZero,
			Audio: moonfirefs.AudioSummary{Samples: 3, Chunks: 2, Bytes: 18, Start90k: 500, Duration90k: 5763}}},
	}
	pieces := j.Pieces()
	if len(pieces) != 6 {
		t.Fatalf("%d pieces", len(pieces))
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := salvagedRow(9, j, journal.TableOf(pieces[:test.pieces]), digestOf("bytes"))
			want := test.want
			want.Start90k, want.RunOffset = 1000, 2
			if r.Summary != want {
				t.Errorf("got  %+v\nwant %+v", r.Summary, want)
			}
			if r.Stream != 3 || r.SampleDir != 9 || r.Open != 7 || r.LocalTimeDelta90k != -5 || r.SampleFile != j.SampleFile || r.SampleFileSHA1 != sha1.Sum([]byte("bytes")) {
				t.Errorf("got %+v", r)
			}
			if problem := r.IndexProblem(); problem != "" {
				t.Error(problem)
			}
		})
	}
}

// bytesFile is a reopenedFile in memory.
type bytesFile struct{ memoryFile }

func (f *bytesFile) ReadAt(p []byte, offset int64) (int, error) {
	return bytes.NewReader(f.Bytes()).ReadAt(p, offset)
}

// FuzzComplete: whatever journal and sample file hold, the recording is of the
// file that is left, and within the limits of the index.
func FuzzComplete(f *testing.F) {
	header := journal.Header{SampleFile: uuid.New(), Stream: 1, Open: 1, Entry: testEntry}
	good, err := journal.AppendHeader(nil, &header)
	if err != nil {
		f.Fatal(err)
	}
	samples := []string{"key frame", "second", "third"}
	var group journal.Group
	for i, s := range samples {
		group.Add(moonfirefs.Sample{Duration90k: 3000, Bytes: int32(len(s)), Sync: i == 0}, journal.Sum([]byte(s)))
	}
	good = group.AppendRecord(good, journal.Dating{Start90k: 1})
	data := []byte(strings.Join(samples, ""))
	f.Add(good, data)
	f.Add(good, data[:12])
	f.Add(good[:len(good)-1], data)
	f.Fuzz(func(t *testing.T, journalData, data []byte) {
		j, _ := journal.Decode(journalData)
		if j == nil {
			return
		}
		file := &bytesFile{memoryFile{room: len(data)}}
		file.Buffer.Write(data)
		r, err := new(salvager).complete(file, j)
		if errors.Is(err, errNothingWhole) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		left, err := io.ReadAll(&file.Buffer)
		if err != nil || int64(len(left)) != r.SampleFileBytes || !bytes.HasPrefix(data, left) || sha1.Sum(left) != r.SampleFileSHA1 {
			t.Fatalf("%+v of %q, %v", r, left, err)
		}
		if r.VideoSamples < 1 || r.Duration90k < 0 || r.Duration90k >= moonfirefs.MaxRecordingDuration90k ||
			int(r.VideoSamples) != len(decodeIndex(t, r.VideoIndex, r.Flags)) {
			t.Fatalf("%+v", r)
		}
	})
}

func digestOf(data string) *moonfirefs.SampleFileDigest {
	digest := moonfirefs.NewSampleFileDigest()
	_, _ = digest.Write([]byte(data)) // never fails
	return digest
}
