// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

const plenty = 1 << 30

// Every frame that a camera delivers is recorded once and in order, across
// cuts and reconnections, and the store is left in order.
func TestRecordsEveryFrame(t *testing.T) {
	f := newFixture(t, plenty)
	c := newFakeCamera(f.clock)
	reconnect := func(n int) func() (camera.Frame, error) {
		play := c.frames(n)
		return func() (camera.Frame, error) {
			if c.next%10 != 0 && n > 0 {
				c.next += 10 - c.next%10 // a session starts with a key frame
			}
			n = 0
			return play()
		}
	}
	s := newScript(reconnect(10*200), reconnect(10*61+3), reconnect(1), reconnect(10*130))
	f.record(s)

	all := f.recordings()
	hasBytes(t, all, s.bytes())
	f.noneReserved()
	var offsets []int32
	for i := range all {
		offsets = append(offsets, all[i].RunOffset)
		if all[i].VideoSyncSamples == 0 || all[i].LocalTimeDelta90k > 1 || all[i].LocalTimeDelta90k < -1 {
			t.Errorf("recording %v", all[i])
		}
	}
	if len(offsets) != 4+1+1+2 {
		t.Errorf("runs are cut as %v", offsets)
	}
	if n := f.count(`select count(*) from open where end_time_90k >= start_time_90k`); n != 1 {
		t.Errorf("%d orderly openings are recorded", n)
	}
}

// A recording begins with the hour, not just before it, and the first of a run
// rests on a minute. Frames that arrive late do not change that.
func TestRecordingsBeginWithTheHour(t *testing.T) {
	tests := map[string]struct {
		start time.Duration // of the first key frame, after 12:00; more come each second
		delay time.Duration // of all frames but the first
		want  []string
	}{
		"no delay": {
			57*time.Minute + 17*time.Second + 50*time.Millisecond, 0,
			[]string{"12:57:17.05", "12:59:00.05", "13:00:00.05", "13:01:00.05", "13:02:00.05"},
		},
		"on the hour": {
			57*time.Minute + 17*time.Second, 0,
			[]string{"12:57:17.00", "12:59:00.00", "13:00:00.00", "13:01:00.00", "13:02:00.00"},
		},
		"captured before the hour, arrived after": {
			57*time.Minute + 17*time.Second + 950*time.Millisecond, 150 * time.Millisecond,
			// From 13:01 on, the drift that the delay seems to be is corrected.
			[]string{"12:57:17.95", "12:59:00.95", "13:00:00.95", "13:01:00.98", "13:02:00.00"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, plenty)
			f.clock.pass(test.start)
			c := newFakeCamera(f.clock)
			play := c.frames(10 * 60 * 5)
			f.record(newScript(func() (camera.Frame, error) {
				if c.next == 1 {
					f.clock.pass(test.delay)
				}
				return play()
			}))
			var starts []string
			for _, r := range f.recordings() {
				starts = append(starts, r.Start90k.Time().Format("15:04:05.00"))
			}
			if !slices.Equal(starts, test.want) {
				t.Errorf("recordings start at %v, want %v", starts, test.want)
			}
		})
	}
}

// A new codec configuration starts a new recording of the same run at once; one
// that means the same does not.
func TestConfigurationChange(t *testing.T) {
	f := newFixture(t, plenty)
	c := newFakeCamera(f.clock)
	other := moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0cavc1othr"), 1280, 720, 1, 1, "avc1.4d401f")
	same := *testEntry
	play := c.frames(60)
	s := newScript(func() (camera.Frame, error) {
		switch c.next {
		case 20:
			c.entry = &same
		case 40:
			c.entry = other
		}
		return play()
	})
	f.record(s)
	all := f.recordings()
	hasBytes(t, all, s.bytes())
	if len(all) != 2 || all[0].VideoSamples != 40 || all[1].RunOffset != 1 || all[0].VideoSampleEntry == all[1].VideoSampleEntry {
		t.Errorf("recordings %v", all)
	}
}

// Without key frames, recordings are cut before they get too long, and none of
// the frames is lost.
func TestNoKeyFrames(t *testing.T) {
	f := newFixture(t, plenty)
	c := newFakeCamera(f.clock)
	s := newScript(func() (camera.Frame, error) {
		if c.next == 10*60*12 {
			return camera.Frame{}, io.EOF
		}
		frame := c.frame()
		frame.Sync = c.next == 1
		return frame, nil
	})
	f.record(s)
	all := f.recordings()
	hasBytes(t, all, s.bytes())
	if len(all) != 3 || all[1].VideoSyncSamples != 0 {
		t.Errorf("%d recordings", len(all))
	}
}

// When a camera's clock is set, the line goes on until the next key frame, with which a new
// run begins. No frame is lost.
func TestTimestampJump(t *testing.T) {
	for name, jump := range map[string]int64{"back": -second90k, "ahead": 11 * second90k, "10 h back": -36_000 * second90k, "10 h ahead": 36_000 * second90k} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, plenty)
			c := newFakeCamera(f.clock)
			play := c.frames(400)
			s := newScript(func() (camera.Frame, error) {
				if c.next == 205 {
					c.pts90k += jump
				}
				return play()
			})
			f.record(s)
			all := f.recordings()
			hasBytes(t, all, s.bytes())
			if len(all) != 2 || all[0].VideoSamples != 210 || all[1].VideoSamples != 190 || all[1].RunOffset != 0 {
				t.Fatalf("recordings %v", all)
			}
			if want := moonfirefs.FromTime(noon.Add(21 * time.Second)); all[1].Start90k != want {
				t.Errorf("the new run starts at %v, want %v", all[1].Start90k, want)
			}
		})
	}
}

// A camera whose timestamps never make sense does not fill the disk with tiny
// files.
func TestSenselessTimestamps(t *testing.T) {
	f := newFixture(t, plenty)
	c := newFakeCamera(f.clock)
	play := c.frames(10 * 60)
	f.record(newScript(func() (camera.Frame, error) {
		frame, err := play()
		frame.PTS90k = int64(c.next % 2)
		return frame, err
	}))
	if n := len(f.recordings()); n < 3 || n > 10 {
		t.Errorf("%d recordings in a minute", n)
	}
}

// When the wall clock is set, a new run begins at the next key frame, by the new
// time, and no frame is lost.
func TestClockStep(t *testing.T) {
	for name, step := range map[string]time.Duration{
		"ahead": 90 * time.Minute, "back": -90 * time.Minute, "back a little": -time.Minute, "by years": 56 * 365 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, plenty)
			c := newFakeCamera(f.clock)
			play := c.frames(400)
			s := newScript(func() (camera.Frame, error) {
				if c.next == 205 {
					f.clock.set(step)
				}
				return play()
			})
			f.record(s)
			all := f.recordings()
			hasBytes(t, all, s.bytes())
			if len(all) != 2 || all[0].VideoSamples != 210 || all[0].Flags != 0 || all[1].RunOffset != 0 {
				t.Fatalf("recordings %v", all)
			}
			if want := moonfirefs.FromTime(noon.Add(21*time.Second + step)); all[1].Start90k != want {
				t.Errorf("the new run starts at %v, want %v", all[1].Start90k, want)
			}
		})
	}
}

// A machine without a battery boots in 1970 and learns the time later: what it records
// then is dated right to within a second, at the latest from the next key frame on.
func TestBootIn1970(t *testing.T) {
	f := newFixture(t, plenty)
	boot := time.Unix(30, 0)
	f.clock.wall = boot
	c := newFakeCamera(f.clock)
	play := c.frames(1800)
	s := newScript(func() (camera.Frame, error) {
		if c.next == 905 {
			f.clock.set(noon.Sub(boot))
		}
		return play()
	})
	f.record(s)
	all := f.recordings()
	hasBytes(t, all, s.bytes())
	frames := 0
	for i := range all {
		want := boot.Add(time.Duration(frames) * frameTime)
		if frames > 905 {
			want = want.Add(noon.Sub(boot))
		}
		if off := all[i].Start90k.Time().Sub(want); off.Abs() > time.Second {
			t.Errorf("recording %v is dated wrong by %v", all[i], off)
		}
		frames += int(all[i].VideoSamples)
	}
	if len(all) < 3 || all[0].Start90k != moonfirefs.FromTime(boot) {
		t.Errorf("recordings %v", all)
	}
}

// A camera whose timestamps run at another pace than time does is dated right for as long
// as it is recorded, no recording lasts longer than it took, and no frame is lost.
func TestTimestampsAtAnotherPace(t *testing.T) {
	for name, pace := range map[string]float64{
		"half": 0.5, "double": 2, "milliseconds": 1. / 90, "a hundred times": 100, "as for audio": 90. / 8,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, plenty)
			c := newFakeCamera(f.clock)
			play := c.frames(6000) // ten minutes
			first := c.pts90k
			s := newScript(func() (camera.Frame, error) {
				frame, err := play()
				frame.PTS90k = first + int64(float64(frame.PTS90k-first)*pace)
				return frame, err
			})
			f.record(s)
			all := f.recordings()
			hasBytes(t, all, s.bytes())
			frames := 0
			for _, r := range all {
				captured := noon.Add(time.Duration(frames) * frameTime)
				if off := r.Start90k.Time().Sub(captured); off.Abs() > time.Second {
					t.Errorf("recording %d is dated wrong by %v", r.ID, off)
				}
				frames += int(r.VideoSamples)
				if took := time.Duration(r.VideoSamples) * frameTime; r.Duration90k.Duration() > took+time.Second {
					t.Errorf("recording %d lasts %v, and took %v", r.ID, r.Duration90k, took)
				}
			}
		})
	}
}

// Pictures that are rarer than one in ten seconds, and pauses, are recorded, each picture
// for as long as it was shown.
func TestPauses(t *testing.T) {
	for name, pause := range map[string]func(n int) time.Duration{
		"one in 12 s":        func(int) time.Duration { return 12 * time.Second },
		"12 s after three":   func(n int) time.Duration { return time.Duration(max(0, n%30-28)) * 12 * time.Second },
		"40 s now and then":  func(n int) time.Duration { return time.Duration(max(0, n%100-98)) * 40 * time.Second },
		"29 s between all":   func(int) time.Duration { return 29 * time.Second },
		"a frame in a while": func(n int) time.Duration { return time.Duration(n%7) * 3 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, plenty)
			c := newFakeCamera(f.clock)
			c.alter = func(n int, frame *camera.Frame) {
				f.clock.pass(pause(n))
				c.pts90k += int64(moonfirefs.FromDuration(pause(n)))
				frame.PTS90k = c.pts90k
			}
			s := newScript(c.frames(300))
			f.record(s)
			all := f.recordings()
			hasBytes(t, all, s.bytes())
			last := all[len(all)-1]
			if took := f.clock.wall.Sub(noon); moonfirefs.Duration90k(last.End90k()-all[0].Start90k).Duration() < took-time.Second-pause(0) || last.RunOffset != int32(len(all)-1) {
				t.Errorf("in %v: from %v to %v, %d recordings, the last one has run offset %d", took, all[0].Start90k, last.End90k(), len(all), last.RunOffset)
			}
		})
	}
}

// Retention deletes the oldest recordings, as many as needed and no more, and
// their files with them.
func TestRetention(t *testing.T) {
	const quota = 40_000
	f := newFixture(t, quota)
	c := newFakeCamera(f.clock)
	s := newScript(c.frames(10 * 60 * 20))
	f.record(s)
	f.noneReserved()
	all := f.recordings()
	var total int64
	for i := range all {
		total += all[i].SampleFileBytes
	}
	everything := s.bytes()
	if int64(len(everything)) < 3*quota {
		t.Fatal("the script is too short for this test")
	}
	hasBytes(t, all, everything[int64(len(everything))-total:])
	// Recordings are of about the same size, so one more would not have fitted.
	if total > quota || total < quota-2*all[0].SampleFileBytes {
		t.Errorf("%d bytes are kept of a quota of %d", total, quota)
	}
	names, err := f.store.Dirs[1].List()
	f.must(err)
	if len(names) != len(all) {
		t.Errorf("%d files, %d recordings", len(names), len(all))
	}
}

// A quota that was lowered is enforced before recording starts, also on
// recordings that lie in a directory which the stream has left.
func TestRetentionAtStart(t *testing.T) {
	f := newFixture(t, plenty)
	c := newFakeCamera(f.clock)
	f.record(newScript(c.frames(10 * 60 * 10)))
	before := f.recordings()

	second := f.addDir()
	f.exec(`update stream set sample_dir_id = ?, retain_bytes = ?`, second, before[len(before)-1].SampleFileBytes)
	cameras, err := f.store.DB.Cameras(t.Context())
	f.must(err)
	f.camera = cameras[0]
	f.record(newScript())

	all := f.recordings()
	if len(all) != 1 || all[0].ID != before[len(before)-1].ID {
		t.Errorf("%d recordings are left", len(all))
	}
	f.noneReserved()
	names, err := f.store.Dirs[1].List()
	f.must(err)
	if len(names) != 1 {
		t.Errorf("%d files are left", len(names))
	}
}

// Start-up removes what a crash has left and nothing else, least of all a file
// that no row names.
func TestStartCleansUp(t *testing.T) {
	f := newFixture(t, plenty)
	c := newFakeCamera(f.clock)
	f.record(newScript(c.frames(100)))
	before := f.recordings()

	gone := []uuid.UUID{
		f.reserved("writing", true),
		f.reserved("writing", false),
		f.reserved("deleted", true),
		f.reserved("deleted", false),
	}
	stranger := uuid.New()
	file, err := f.store.Dirs[1].Create(stranger)
	f.must(err)
	f.must(file.Close())

	s := newScript()
	r := New(f.options(s))
	f.must(r.Open(t.Context()))
	for _, name := range gone {
		if n := f.count(`select count(*) from reserved_sample_files where uuid = ?`, name[:]); n != 0 {
			t.Errorf("%s is still reserved", name)
		}
	}
	f.must(r.Close())
	f.noneReserved()

	names, err := f.store.Dirs[1].List()
	f.must(err)
	if len(names) != 2 {
		t.Errorf("%d files are left, want one recording and one stranger", len(names))
	}
	f.must(f.store.Dirs[1].Unlink(stranger))
	if after := f.recordings(); len(after) != len(before) {
		t.Errorf("%d of %d recordings are left", len(after), len(before))
	}
}

// A camera in trouble does not keep another from being recorded, and the status
// says which one it is.
func TestCamerasAreIndependent(t *testing.T) {
	f := newFixture(t, plenty)
	broken := moonfirefs.Camera{UUID: uuid.New(), ShortName: "garage", Streams: []moonfirefs.Stream{
		{Kind: moonfirefs.MainStream, SampleDir: 1, URL: "rtsp://192.0.2.2/1", Transport: moonfirefs.TCP, RetainBytes: plenty},
	}}
	f.must(f.store.DB.AddCamera(t.Context(), &broken))
	c := newFakeCamera(f.clock)
	s := newScript(c.frames(10 * 60 * 3))
	o := f.options(s)
	o.Cameras = append(o.Cameras, broken)
	var attempts atomic.Int32
	again := make(chan struct{}) // closed when the status has the first failure
	o.Dial = func(ctx context.Context, config camera.Config) (Source, error) {
		if config.URL == broken.Streams[0].URL {
			if attempts.Add(1) == 2 {
				close(again)
			}
			return nil, errors.New("no route to host")
		}
		<-again
		return s.dial(ctx, config)
	}
	r := f.recordWith(o, s)
	hasBytes(t, f.recordings(), s.bytes())

	status := r.Status()
	if len(status) != 2 || status[0].Camera != "driveway" || status[1].Camera != "garage" {
		t.Fatalf("status %+v", status)
	}
	if s := status[0]; s.Frames != 1800 || s.Recordings != 3 || s.LastFrame.IsZero() || s.LastError != errGone.Error() {
		t.Errorf("status %+v", s)
	}
	if s := status[1]; s.Frames != 0 || !s.ConnectedSince.IsZero() || !s.AwaySince.Equal(noon) || s.Connections != 0 || s.CameraError != "no route to host" || s.LastError != s.CameraError {
		t.Errorf("status %+v", s)
	}
	if s := status[0]; s.Connections != 1 || s.AwaySince.Before(s.LastFrame) || s.Dropped != 0 || s.QueuedFrames != 0 {
		t.Errorf("status %+v", s)
	}
	if dirs := r.DirStatus(); len(dirs) != 1 || dirs[0].ID != 1 || dirs[0].Commits == 0 || dirs[0].Waiting+dirs[0].Quarantined != 0 {
		t.Errorf("status of directories %+v", dirs)
	}
}

// Close interrupts a session and keeps what it has delivered; it can be called
// again.
func TestCloseDuringSession(t *testing.T) {
	f := newFixture(t, plenty)
	c := newFakeCamera(f.clock)
	s := newScript()
	delivered := make(chan struct{})
	o := f.options(s)
	o.Dial = func(ctx context.Context, _ camera.Config) (Source, error) {
		return &session{ctx: ctx, next: func() (camera.Frame, error) {
			if c.next == 25 {
				close(delivered)
				<-ctx.Done()
				return camera.Frame{}, ctx.Err()
			}
			frame := c.frame()
			s.taken = append(s.taken, frame)
			return frame, nil
		}}, nil
	}
	r := New(o)
	f.must(r.Open(t.Context()))
	<-delivered
	if status := r.Status(); status[0].ConnectedSince.IsZero() || status[0].Frames != 25 || status[0].LastError != "" {
		t.Errorf("status %+v", status)
	}
	f.must(r.Close())
	f.must(r.Close())
	f.noneReserved()
	all := f.recordings()
	hasBytes(t, all, s.bytes())
	if len(all) != 1 || all[0].Flags != moonfirefs.FlagTrailingZero {
		t.Errorf("recordings %v", all)
	}
	if err := r.Open(t.Context()); err == nil {
		t.Error("opened a second time")
	}
}

func TestOpenRefusesUnknownDirectory(t *testing.T) {
	f := newFixture(t, plenty)
	f.camera.Streams[0].SampleDir = 7
	r := New(f.options(newScript()))
	if err := r.Open(t.Context()); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	f.must(r.Close())
}

// A connection that fails is no Source, not even a nil pointer in one.
func TestDialFails(t *testing.T) {
	source, err := dial(t.Context(), camera.Config{URL: "gopher://192.0.2.1/"})
	if err == nil || source != nil {
		t.Errorf("got %v, %v", source, err)
	}
}
