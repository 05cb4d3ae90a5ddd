// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/mp4test"
)

// presentedSample is a sample of an excerpt by when it is presented.
type presentedSample struct {
	// decoded90k and shown90k count from the beginning of the edit.
	decoded90k, shown90k int64
	sync                 bool
	data                 []byte
}

// presented reads the samples of a track of an excerpt by its tables alone, and how long
// the edit lasts.
func presented(t *testing.T, trak *mp4.TrakBox, whole []byte) (samples []presentedSample, edit90k int64) {
	t.Helper()
	stbl, edit := trak.Mdia.Minf.Stbl, trak.Edts.Elst[0].Entries[0]
	for i, s := range trackSamples(t, trak, whole) {
		p := presentedSample{decoded90k: int64(s.at90k) - edit.MediaTime, data: s.data}
		p.shown90k = p.decoded90k
		if stbl.Ctts != nil {
			p.shown90k += int64(stbl.Ctts.GetCompositionTimeOffset(uint32(i + 1)))
		}
		p.sync = stbl.Stss != nil && isSync(stbl.Stss, uint32(i+1))
		samples = append(samples, p)
	}
	return samples, int64(edit.SegmentDuration)
}

// excerptOf leaves in a store the recordings that overlap an interval, as package fs
// does, and makes it an excerpt.
func (s *store) excerptOf(from90k, to90k moonfirefs.Time90k) (ok bool) {
	excerpt := &store{Source: new(mp4test.Source), spec: s.spec}
	excerpt.spec.Recordings, excerpt.spec.Excerpt = nil, &moonfirefs.Interval{Start90k: from90k, End90k: to90k}
	for i, r := range s.spec.Recordings {
		if r.Start90k >= to90k || r.End90k() <= from90k && r.Start90k < from90k {
			continue
		}
		excerpt.add(r.Start90k, s.Frames[i])
		if s.Audio[i] != nil {
			excerpt.addAudio(r.Audio.Start90k, s.Audio[i])
		}
	}
	if excerpt.spec.Audio != nil && !slices.ContainsFunc(excerpt.Audio, func(c []audioChunk) bool { return c != nil }) {
		excerpt.spec.Audio = nil
	}
	s.spec, s.Source = excerpt.spec, excerpt.Source
	return len(s.Files) > 0 && to90k > s.spec.Recordings[0].Start90k
}

func decodeWhole(t *testing.T, s *store) (*mp4.File, []byte) {
	t.Helper()
	whole := s.whole(t)
	file, err := mp4.DecodeFile(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	checkTopLevel(t, s, file, len(whole))
	return file, whole
}

// since gives samples the times that they have from some time on.
func since(samples []presentedSample, from90k int64) []presentedSample {
	for i := range samples {
		samples[i].decoded90k -= from90k
		samples[i].shown90k -= from90k
	}
	return samples
}

// cutExcerpt cuts an excerpt, and ensures that it presents what it did before, from the
// beginning of the first picture on, and has nothing in it that is not needed for that.
func cutExcerpt(t *testing.T, s *store) {
	t.Helper()
	before, beforeBytes := decodeWhole(t, s)
	overlaps := s.overlaps()
	clear(s.IndexReads)
	if err := s.spec.Cut(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for i := range s.IndexReads {
		if n := s.IndexReads[i].Load(); n > 1 || n > 0 && i > 0 && i < len(s.IndexReads)-1 {
			t.Fatalf("to cut the excerpt, the index of recording %d of %d was read %d times", i, len(s.IndexReads), n)
		}
	}
	after, afterBytes := decodeWhole(t, s)
	uncut, edit90k := presented(t, before.Moov.Traks[0], beforeBytes)
	cut, cutEdit90k := presented(t, after.Moov.Traks[0], afterBytes)
	earlier90k := cutEdit90k - edit90k
	if after.Moov.Mvhd.Duration-before.Moov.Mvhd.Duration != uint64(earlier90k) {
		t.Fatalf("the movie lasts %d, and %d before it was cut, by %d", after.Moov.Mvhd.Duration, before.Moov.Mvhd.Duration, earlier90k)
	}
	cut = since(cut, earlier90k)
	// No edit begins before the first sample is decoded.
	if first90k := max(firstShown(uncut).shown90k, cut[0].decoded90k); first90k != -earlier90k && s.spec.cuts[0] != nil && !overlaps {
		t.Fatalf("the excerpt begins %d before its start, the first picture %d", earlier90k, -first90k)
	}
	first := slices.IndexFunc(uncut, func(p presentedSample) bool { return p.decoded90k == cut[0].decoded90k })
	checkSamples(t, uncut, cut, first)
	checkEnds(t, s, uncut, cut, first, edit90k)
	if s.spec.Audio != nil {
		audio := since(presentedAudio(t, after, afterBytes), earlier90k)
		checkCutAudio(t, presentedAudio(t, before, beforeBytes), audio, edit90k)
		// The audio of a later recording may be pushed back.
		if n := len(audio); n > 1 && len(s.spec.Recordings) == 1 && s.spec.Excerpt.End90k <= s.end90k() && audio[n-1].decoded90k >= edit90k {
			t.Fatalf("audio begins at %d, behind the end at %d", audio[n-1].decoded90k, edit90k)
		}
	}
	checkPieces(t, s)
}

// firstShown is the sample of the picture that is shown at the start.
func firstShown(samples []presentedSample) (first presentedSample) {
	first.shown90k = math.MinInt64
	for _, p := range samples {
		if p.shown90k <= 0 && p.shown90k > first.shown90k {
			first = p
		}
	}
	return first
}

// overlaps tells whether the excerpt begins behind the start of its second recording, or
// when a picture of a later one has been shown: those that a recorder makes are not
// shown before their recording begins.
func (s *store) overlaps() bool {
	for i, r := range s.spec.Recordings[1:] {
		at90k := r.Start90k
		for _, f := range s.Frames[i+1] {
			if min(at90k, at90k+moonfirefs.Time90k(f.CompositionOffset90k)) < s.spec.Excerpt.Start90k {
				return true
			}
			at90k = at90k.Add(moonfirefs.Duration90k(f.Duration90k))
		}
	}
	return false
}

// checkSamples ensures that the samples which are left are those from first on, at
// the same times. The last of a recording is held no longer where it is now the last.
func checkSamples(t *testing.T, uncut, cut []presentedSample, first int) {
	t.Helper()
	if first < 0 || first+len(cut) > len(uncut) {
		t.Fatalf("%d samples from %d on, of %d", len(cut), first, len(uncut))
	}
	for i, p := range cut {
		if u := uncut[first+i]; u.decoded90k != p.decoded90k || u.shown90k != p.shown90k || u.sync != p.sync || !bytes.Equal(u.data, p.data) {
			t.Fatalf("sample %d is at %d, %d; before: %d, %d", i, p.decoded90k, p.shown90k, u.decoded90k, u.shown90k)
		}
	}
}

// checkEnds ensures that all samples that are shown are left, with the sync sample
// before them, and no others.
func checkEnds(t *testing.T, s *store, uncut, cut []presentedSample, first int, edit90k int64) {
	t.Helper()
	isShown := func(p presentedSample) bool { return p.shown90k >= 0 && p.shown90k < edit90k }
	if slices.ContainsFunc(uncut[first+len(cut):], isShown) {
		t.Fatal("a sample behind the end of the cut excerpt is shown")
	}
	if last := cut[len(cut)-1]; s.spec.Excerpt.End90k <= s.end90k() && min(last.decoded90k, last.shown90k) >= edit90k {
		t.Fatalf("the last sample begins at %d, after the end at %d", last.decoded90k, edit90k)
	}
	if first > 0 && !cut[0].sync {
		t.Fatal("the excerpt does not begin with a sync sample")
	}
	if slices.ContainsFunc(uncut[:first], func(p presentedSample) bool { return isShown(p) || p.shown90k >= cut[0].shown90k }) {
		t.Fatal("a sample before the beginning of the cut excerpt is shown")
	}
	reordered := s.spec.Recordings[0].Flags&moonfirefs.FlagReordered != 0
	late := slices.ContainsFunc(cut[1:s.spec.Recordings[0].VideoSamples], func(p presentedSample) bool { return p.sync && p.shown90k <= 0 })
	if late && !reordered && !s.overlaps() {
		t.Fatal("there is a later sync sample at or before the start")
	}
}

// presentedAudio is the audio of an excerpt without silence: that can be other silence.
func presentedAudio(t *testing.T, file *mp4.File, whole []byte) (audio []presentedSample) {
	t.Helper()
	if file.Moov.Traks[1].Mdia.Hdlr.HandlerType != "soun" {
		return nil
	}
	silence := silenceOf(alawEntry()).sample
	all, _ := presented(t, file.Moov.Traks[1], whole)
	for _, s := range all {
		if !bytes.Equal(s.data, silence) {
			audio = append(audio, s)
		}
	}
	return audio
}

// checkCutAudio ensures that all audio which begins within the excerpt is left, in step;
// but the first sample of a track may begin too early, where no silence is known.
func checkCutAudio(t *testing.T, uncut, cut []presentedSample, edit90k int64) {
	t.Helper()
	const tolerance90k = 4000 // the longest sample
	first := true
	for _, u := range uncut {
		if u.decoded90k < tolerance90k || u.decoded90k >= edit90k-tolerance90k {
			continue
		}
		same := func(p presentedSample) bool {
			early90k := u.decoded90k - p.decoded90k
			return bytes.Equal(p.data, u.data) && early90k > -tolerance90k && (early90k < tolerance90k || first)
		}
		for len(cut) > 0 && !same(cut[0]) {
			cut, first = cut[1:], false
		}
		if len(cut) == 0 {
			t.Fatalf("the audio at %d of %d is missing, or out of step", u.decoded90k, edit90k)
		}
		cut, first = cut[1:], false
	}
}

// checkPieces ensures that SampleRange tells where the bytes lie.
func checkPieces(t *testing.T, s *store) {
	t.Helper()
	f, whole := s.layOut(t), s.whole(t)
	r := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		off := r.IntN(len(whole))
		n := r.IntN(min(len(whole)-off, 1<<r.IntN(12)) + 1)
		p := make([]byte, n)
		if err := f.ReadAt(context.Background(), s, p, int64(off)); err != nil || !bytes.Equal(p, whole[off:off+n]) {
			t.Fatalf("%d bytes at %d: %v", n, off, err)
		}
		recording, at, ok := f.SampleRange(int64(off), n)
		if ok && !bytes.Equal(p, s.Files[recording][at:at+int64(n)]) {
			t.Fatalf("SampleRange(%d, %d) points at other bytes", off, n)
		}
		if _, _, one := f.SampleRange(int64(off), 1); n == 1 && one != inSamples(f, off, 1) {
			t.Fatalf("SampleRange(%d, 1) says %v", off, one)
		}
	}
	for i, r := range s.spec.Recordings {
		if got := f.SampleFileBytes(i); got != int64(len(s.Files[i])) || r.SampleFileBytes > got {
			t.Fatalf("recording %d: sample file of %d bytes, want %d", i, got, len(s.Files[i]))
		}
	}
}

// TestCut ensures that an excerpt that was cut presents what it did before, picture and
// audio, whatever the recordings are like, and that nothing is in it that is not
// needed.
func TestCut(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for i := range 400 {
		n := 1 + r.IntN(5)
		s := randomAudioStore(r, n)
		if i%2 == 0 {
			s = randomStore(r, n)
		}
		s.spec.Timestamps, s.spec.Gaps = r.IntN(2) == 0, Gaps(r.IntN(2))
		length90k := s.end90k().Sub(noon)
		from90k := noon.Add(moonfirefs.Duration90k(r.Int64N(int64(length90k) + 1)))
		to90k := from90k.Add(1 + moonfirefs.Duration90k(r.Int64N(int64(length90k)+1)>>r.IntN(6)))
		if !s.excerptOf(from90k, to90k) {
			continue
		}
		if !t.Run("", func(t *testing.T) { cutExcerpt(t, s) }) {
			t.Fatalf("random excerpt %d of %v", i, s.spec.Excerpt)
		}
	}
}

// TestCutAtGroups ensures which samples are in an excerpt: those from the key frame at or
// before its start to the last one that begins before its end.
func TestCutAtGroups(t *testing.T) {
	frames := pictures()
	for name, test := range map[string]struct {
		from, to int64 // after noon
		want     [2]int
	}{
		"from the middle of a group to that of one": {1*second + 7*frameDuration90k, 8*second + 3*frameDuration90k, [2]int{25, 203}},
		"within one group":                          {4*second + 7*frameDuration90k, 4*second + 9*frameDuration90k, [2]int{100, 109}},
		"a group exactly":                           {4 * second, 5 * second, [2]int{100, 125}},
		"to within a frame":                         {4*second - 1, 5*second + 1, [2]int{75, 126}},
		"all":                                       {-second, 20 * second, [2]int{0, 250}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := hour(t)
			s.spec.Timestamps = true
			s.excerptOf(noon+moonfirefs.Time90k(test.from), noon+moonfirefs.Time90k(test.to))
			cutExcerpt(t, s)
			var data, want [][]byte
			file, whole := decodeWhole(t, s)
			for _, p := range trackSamples(t, file.Moov.Traks[0], whole) {
				data = append(data, p.data)
			}
			for _, frame := range frames[test.want[0]:test.want[1]] {
				want = append(want, frame.Data)
			}
			if !slices.EqualFunc(data, want, bytes.Equal) {
				t.Fatalf("%d samples, want %d", len(data), len(want))
			}
		})
	}
}

// TestCutReordered ensures that an excerpt of reordered pictures presents what it did
// before, also where it begins between a picture and those that are decoded before it.
func TestCutReordered(t *testing.T) {
	for _, from := range []int64{0, 1, 2, 3, 7, 24, 25, 26, 28, 31} {
		t.Run(fmt.Sprint("from ", from), func(t *testing.T) {
			s := newStore(t)
			s.add(noon, reorder(pictures()[:76]))
			start90k := noon + moonfirefs.Time90k(from*frameDuration90k)
			s.spec.Excerpt = &moonfirefs.Interval{Start90k: start90k, End90k: start90k + 30*frameDuration90k}
			cutExcerpt(t, s)
		})
	}
}

// TestCutDamage ensures that an excerpt is left as it is if an index is damaged.
func TestCutDamage(t *testing.T) {
	s := hour(t)
	s.excerptOf(noon+second, noon+4*second)
	s.Indexes[0] = s.Indexes[0][:len(s.Indexes[0])-1]
	before := Size(&s.spec)
	if err := s.spec.Cut(t.Context(), s); err == nil || s.spec.IsCut() || Size(&s.spec) != before {
		t.Errorf("cut: %v, %v, %d bytes of %d", err, s.spec.IsCut(), Size(&s.spec), before)
	}
}
