// SPDX-License-Identifier: GPL-3.0-or-later

package verify_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aead.dev/minisign"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/repair"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/proof"
	"github.com/moonfirefs/moonfirefs/proof/notary"
)

// evidence is what a forger has.
type evidence struct {
	*fixture
	hour, door, clip, otherDay *provable
}

func newEvidence(t *testing.T) *evidence {
	t.Helper()
	f := newFixture(t)
	for _, folder := range []string{"driveway", "door"} {
		f.record(folder, "2026-11-22T13:10:00+01:00", 6)
		f.record(folder, "2026-11-22T13:20:00.5+01:00", 3)
		f.record(folder, "2026-11-23T13:10:00+01:00", 6)
		f.record(folder, "2026-11-23T13:20:00.5+01:00", 3)
	}
	f.round("2026-11-23T00:16:00+01:00")
	f.round("2026-11-24T00:16:00+01:00")
	return &evidence{
		fixture: f, hour: f.hour("driveway", "13.mp4"), door: f.hour("door", "13.mp4"),
		clip:     f.clip("2026-11-22T13:10:13.3+01:00", "2026-11-22T13:20:04.7+01:00"),
		otherDay: f.clip("2026-11-23T13:10:13.3+01:00", "2026-11-23T13:20:04.7+01:00"),
	}
}

// forged is what somebody hands over.
type forged struct {
	data, proof []byte
	key         minisign.PublicKey
}

// flipped is data with a bit flipped at an offset.
func flipped(data []byte, offset int) []byte {
	changed := bytes.Clone(data)
	changed[offset] ^= 1
	return changed
}

// after is where something first lies behind a text.
func after(data []byte, text string, n int) int {
	return bytes.Index(data, []byte(text)) + len(text) + n
}

// sampleAt is where sample n of the video lies, from what the made-up media are.
func (e *evidence) sampleAt(n int) int { return bytes.Index(e.hour.data, e.media.Samples[n].Data) }

// group is where group n of the first recording begins, and how many bytes its pictures have.
func (e *evidence) group(n int) (from, size int) {
	return e.sampleAt(n * params.FPS), params.FPS * len(e.media.Samples[0].Data)
}

// Ensures that each way to tamper with a file, or with its proof, is found, and that what
// is said of it names what was done.
func TestTamperings(t *testing.T) {
	e := newEvidence(t)
	e.accept(e.hour)
	e.accept(e.clip)
	e.accept(e.door)
	key := e.key()
	of := func(data []byte) forged { return forged{data, e.hour.proof, key} }
	doc := func(edit func(*proof.Document)) forged { return forged{e.hour.data, e.hour.edited(t, edit), key} }
	firstLeaf := func(edit func(*proof.Leaf)) forged {
		return doc(func(d *proof.Document) { edit(d.Sections[0].Leaves[0].Leaf) })
	}
	otherKey, otherSecret, err := minisign.GenerateKey(nil)
	e.must(err)

	for name, test := range map[string]struct {
		forge func() forged
		says  string
	}{
		"a byte of a picture":     {func() forged { return of(flipped(e.hour.data, e.sampleAt(27)+100)) }, "pictures of 2026-11-22 13:10:05 +01:00 to 2026-11-22 13:10:06"},
		"a byte of a key frame":   {func() forged { return of(flipped(e.hour.data, e.sampleAt(0)+5)) }, "pictures of 2026-11-22 13:10:00"},
		"a byte of the audio":     {func() forged { return of(flipped(e.hour.data, bytes.Index(e.hour.data, e.audio.Frames[30])+7)) }, "audio of"},
		"a byte of a time of day": {func() forged { return of(flipped(e.hour.data, after(e.hour.data, "2026-11-22 13:10:0", 0))) }, "times of day"},
		"the title": {func() forged {
			return of(bytes.Replace(e.hour.data, []byte("driveway 2026-11-22"), []byte("driveway 2026-11-21"), 1))
		}, "titles"},
		"the description":             {func() forged { return of(flipped(e.hour.data, after(e.hour.data, "main stream", 3))) }, "titles"},
		"the date of the file":        {func() forged { return of(flipped(e.hour.data, after(e.hour.data, "mvhd", 11))) }, "header"},
		"a duration":                  {func() forged { return of(flipped(e.hour.data, after(e.hour.data, "stts", 8+8*3+7))) }, "tables"},
		"a size":                      {func() forged { return of(flipped(e.hour.data, after(e.hour.data, "stsz", 12+4*3+3))) }, "tables"},
		"which frames are key frames": {func() forged { return of(flipped(e.hour.data, after(e.hour.data, "stss", 8+3))) }, "tables"},
		"where a chunk lies":          {func() forged { return of(flipped(e.hour.data, after(e.hour.data, "co64", 8+7))) }, "tables"},
		"the codec configuration":     {func() forged { return of(flipped(e.hour.data, after(e.hour.data, "avc1", 24))) }, "header"},
		"padding":                     {func() forged { return of(flipped(e.hour.data, after(e.hour.data, "mdat", 10))) }, "header"},
		"the end cut off":             {func() forged { return of(e.hour.data[:len(e.hour.data)-5000]) }, "the file has"},
		"something appended":          {func() forged { return of(append(bytes.Clone(e.hour.data), 0)) }, "was cut, lengthened or made anew"},
		"a group of pictures removed": {func() forged {
			from, size := e.group(3)
			return of(slices.Delete(bytes.Clone(e.hour.data), from, from+size))
		}, "the file has"},
		"a group of pictures blackened": {func() forged {
			from, size := e.group(3)
			data := bytes.Clone(e.hour.data)
			clear(data[from : from+size])
			return of(data)
		}, "pictures of 2026-11-22 13:10:03 +01:00 to 2026-11-22 13:10:04"},
		"two groups of pictures exchanged": {func() forged {
			from, size := e.group(3)
			to, _ := e.group(5)
			data := bytes.Clone(e.hour.data)
			copy(data[from:from+size], e.hour.data[to:to+size])
			copy(data[to:to+size], e.hour.data[from:from+size])
			return of(data)
		}, "another order"},
		"a group of another camera spliced in": {func() forged {
			from, size := e.group(3)
			data := bytes.Clone(e.hour.data)
			copy(data[from:from+size], bytes.Repeat([]byte{7}, size))
			return of(data)
		}, "pictures of 2026-11-22 13:10:03"},
		"the file of another camera":  {func() forged { return of(e.door.data) }, "titles"},
		"the proof of another camera": {func() forged { return forged{e.hour.data, e.door.proof, key} }, "DOES NOT FIT"},
		"the file of another day":     {func() forged { return forged{e.otherDay.data, e.clip.proof, key} }, "times of day"},
		"the clip for the hour":       {func() forged { return of(e.clip.data) }, "the file has"},
		"a key of somebody else":      {func() forged { return forged{e.hour.data, e.hour.proof, otherKey} }, "does not fit the key"},
		"signed by somebody else": {func() forged {
			return doc(func(d *proof.Document) {
				text := d.Sections[0].Text
				d.Sections[0].Signature = string(minisign.Sign(otherSecret, []byte(text)))
			})
		}, "does not fit the key"},
		"the statement": {func() forged {
			return doc(func(d *proof.Document) {
				d.Sections[0].Text = strings.Replace(d.Sections[0].Text, `"2026-11-22"`, `"2026-11-21"`, 1)
			})
		}, "does not fit the key"},
		"the statement of another day": {func() forged {
			return doc(func(d *proof.Document) {
				var other *proof.Document
				decodeInto(t, e.otherDay.proof, &other)
				d.Sections[0].Signed = other.Sections[0].Signed
			})
		}, "altered, moved or exchanged"},
		"the time of a recording": {func() forged {
			return firstLeaf(func(l *proof.Leaf) { l.Start90k = l.Start90k.Add(moonfirefs.Hour90k) })
		}, "altered"},
		"the camera of a recording": {func() forged { return firstLeaf(func(l *proof.Leaf) { l.Camera[3] ^= 1 }) }, "altered"},
		"the name of the camera":    {func() forged { return firstLeaf(func(l *proof.Leaf) { l.Name = "gate" }) }, "altered"},
		"the stream of a recording": {func() forged { return firstLeaf(func(l *proof.Leaf) { l.Stream = moonfirefs.SubStream }) }, "altered"},
		"the flags of a recording":  {func() forged { return firstLeaf(func(l *proof.Leaf) { l.Flags ^= moonfirefs.FlagSalvaged }) }, "altered"},
		"the store of a recording":  {func() forged { return firstLeaf(func(l *proof.Leaf) { l.Store[0] ^= 1 }) }, "another store"},
		"a recording left out": {func() forged {
			return doc(func(d *proof.Document) { d.Sections[0].Leaves = slices.Delete(d.Sections[0].Leaves, 2, 3) })
		}, "does not fit the tree"},
		"a recording hidden behind its hash": {func() forged {
			return doc(func(d *proof.Document) {
				l := &d.Sections[0].Leaves[2]
				hash := l.Leaf.Hash()
				*l = proof.Entry{Hash: &hash}
			})
		}, "the file has"},
		"recordings exchanged": {func() forged {
			return doc(func(d *proof.Document) {
				l := d.Sections[0].Leaves
				l[1], l[2] = l[2], l[1]
			})
		}, "altered"},
		"the place in the tree": {func() forged { return doc(func(d *proof.Document) { d.Sections[0].First++ }) }, "not valid"},
		"the path":              {func() forged { return doc(func(d *proof.Document) { d.Sections[0].Path[0][5] ^= 1 }) }, "altered"},
		"a table of samples": {func() forged {
			return doc(func(d *proof.Document) { d.Sections[0].Leaves[1].VideoIndex[4] ^= 1 })
		}, "tables of samples"},
		"the digest of a group": {func() forged {
			return doc(func(d *proof.Document) { d.Sections[0].Leaves[1].Groups[4] ^= 1 })
		}, "digests are not those"},
		"the interval of the file": {func() forged {
			return doc(func(d *proof.Document) { d.File.Start90k = d.File.Start90k.Add(moonfirefs.Hour90k) })
		}, "not of the file's time"},
		"an hour said to be a clip": {func() forged { return doc(func(d *proof.Document) { d.File.Kind = proof.Clip }) }, "DOES NOT FIT"},
		"no proof at all":           {func() forged { return forged{e.hour.data, []byte(`{"format":"moonfirefs proof 1"}`), key} }, "empty"},
		"the interval of a clip": {func() forged {
			return forged{e.clip.data, e.clip.edited(t, func(d *proof.Document) { d.File.End90k = d.File.End90k.Add(3 * moonfirefs.UnitsPerSecond) }), key}
		}, ""},
		"a digest that a clip lacks": {func() forged {
			return forged{e.clip.data, e.clip.edited(t, func(d *proof.Document) {
				last := &d.Sections[0].Leaves[len(d.Sections[0].Leaves)-1]
				last.Missing[3] ^= 1
			}), key}
		}, "pictures of 2026-11-22 13:20:04"},
	} {
		t.Run(name, func(t *testing.T) {
			f := test.forge()
			if bytes.Equal(f.data, e.hour.data) && bytes.Equal(f.proof, e.hour.proof) && f.key.Equal(key) {
				t.Fatal("nothing was forged")
			}
			_, problem := e.verify(f.data, f.proof, f.key)
			if problem == "" || !strings.Contains(problem, test.says) {
				t.Errorf("%q is not said:\n%s", test.says, problem)
			}
		})
	}
}

func decodeInto(t *testing.T, text []byte, d **proof.Document) {
	t.Helper()
	decoded, err := proof.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	*d = decoded
}

// Ensures that each byte of a file counts: one in so many is flipped, all kinds of boxes
// among them.
func TestFlippedBytes(t *testing.T) {
	e := newEvidence(t)
	key := e.key()
	moov := bytes.Index(e.clip.data, []byte("mdat"))
	for offset := 0; offset < len(e.clip.data); {
		if _, problem := e.verify(flipped(e.clip.data, offset), e.clip.proof, key); problem == "" {
			t.Errorf("the byte at %d of %d was flipped, and nothing is found", offset, len(e.clip.data))
		}
		if offset < moov {
			offset += 211
		} else {
			offset += 15013
		}
	}
}

// Ensures that of a file which another program has made of the same pictures, it is said
// which of them are those that were signed: of one with all, with some removed, in another
// order, and with others among them.
func TestRemade(t *testing.T) {
	e := newEvidence(t)
	fps := params.FPS
	all := e.media.Samples // what the first three recordings have
	groups := func(numbers ...int) (samples [][]byte) {
		for _, n := range numbers {
			for _, s := range all[n*fps : (n+1)*fps] {
				samples = append(samples, s.Data)
			}
		}
		return samples
	}
	foreign := [][]byte{bytes.Repeat([]byte{1}, 300), bytes.Repeat([]byte{2}, 300)}
	for name, test := range map[string]struct {
		samples [][]byte
		found   int
		says    []string
		not     string
	}{
		"some":          {groups(0, 1, 2, 4, 5), 5, []string{"pictures of 2026-11-22 13:10:03 +01:00 to 2026-11-22 13:10:04 +01:00: not in the file"}, "another order"},
		"another order": {groups(0, 2, 1, 3), 4, []string{"another order"}, "not among those signed"},
		"others among":  {slices.Concat(groups(0, 1), foreign, groups(2)), 3, []string{"2 pictures in the file are not among those signed"}, "another order"},
	} {
		t.Run(name, func(t *testing.T) {
			report, problem := e.verify(remade(test.samples), e.hour.proof, e.key())
			if report == nil || report.UnchangedGroups != test.found {
				t.Fatalf("%d groups were to be found:\n%s", test.found, problem)
			}
			for _, want := range test.says {
				if !strings.Contains(strings.Join(report.Problems, "\n"), want) {
					t.Errorf("%q is not said:\n%q", want, report.Problems)
				}
			}
			if strings.Contains(strings.Join(report.Problems, "\n"), test.not) {
				t.Errorf("%q is said:\n%q", test.not, report.Problems)
			}
		})
	}
}

// remade is the least that a file of samples can be.
func remade(samples [][]byte) []byte {
	box := func(kind string, parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		return append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), append([]byte(kind), body...)...)
	}
	numbers := func(all ...uint32) (data []byte) {
		for _, n := range all {
			data = binary.BigEndian.AppendUint32(data, n)
		}
		return data
	}
	mdat := box("mdat", samples...)
	sizes := numbers(0, 0, uint32(len(samples)))
	for _, s := range samples {
		sizes = append(sizes, numbers(uint32(len(s)))...)
	}
	moov := box("moov", box("trak", box("mdia",
		box("hdlr", numbers(0, 0), []byte("vide")),
		box("minf", box("stbl", box("stsz", sizes), box("stsc", numbers(0, 1, 1, uint32(len(samples)), 1)), box("stco", numbers(0, 1, 8)))))))
	return append(mdat, moov...)
}

// Ensures that proofs are the same, and accepted, before and after the notary was started
// anew, the camera renamed, and the clock set back to before the day ended.
func TestRestart(t *testing.T) {
	f := newFixture(t)
	f.record("driveway", "2026-11-22T13:10:00+01:00", 2)
	f.round("2026-11-22T14:00:00+01:00")
	f.must(f.notary.Close())
	f.openNotary()
	f.record("driveway", "2026-11-22T13:10:20+01:00", 2)
	f.round("2026-11-22T15:00:00+01:00")
	f.must(f.notary.Close())
	f.openNotary()
	f.round("2026-11-23T01:00:00+01:00")
	p := f.hour("driveway", "13.mp4")
	f.accept(p)
	f.must(f.notary.Close())
	f.openNotary()
	f.round("2026-11-22T15:00:00+01:00")
	f.round("2026-11-23T01:00:00+01:00")
	if again := f.hour("driveway", "13.mp4"); !bytes.Equal(again.proof, p.proof) {
		t.Error("the proof was made anew")
	}
}

// Ensures that where an older index was restored, and ids come again, what is recorded is
// proven, and what was proven before still is.
func TestRestored(t *testing.T) {
	f := newFixture(t)
	f.record("driveway", "2026-11-22T13:10:00+01:00", 2)
	backup := filepath.Join(t.TempDir(), "index")
	f.must(f.store.DB.Backup(f.Context(), backup, func(int64, int64) {}))
	f.record("driveway", "2026-11-22T13:10:20+01:00", 3)
	f.round("2026-11-22T14:00:00+01:00")
	f.must(f.notary.Close())
	f.must(f.store.Close())
	for _, suffix := range []string{"-wal", "-shm"} {
		_ = os.Remove(filepath.Join(f.path, "moonfire.db"+suffix))
	}
	f.must(os.Rename(backup, filepath.Join(f.path, "moonfire.db")))
	accepted := teststore.OpenAs(t, f.path, store.Repairing)
	_, err := repair.Accept(t.Context(), accepted)
	f.must(errors.Join(err, accepted.Close()))
	f.store = teststore.MustOpen(t, f.path)
	f.openNotary()
	f.record("driveway", "2026-11-22T13:20:00+01:00", 2)
	f.round("2026-11-23T01:00:00+01:00")
	f.accept(f.hour("driveway", "13.mp4"))
}

// Ensures that what is committed after its day was signed gets a statement of its own,
// chained to the one before, and that the hour is proven by both.
func TestLate(t *testing.T) {
	f := newFixture(t)
	f.record("driveway", "2026-11-22T13:10:00+01:00", 2)
	f.round("2026-11-23T01:00:00+01:00")
	first := f.hour("driveway", "13.mp4")
	f.accept(first)
	f.record("driveway", "2026-11-22T13:20:00+01:00", 2)
	if p := f.hour("driveway", "13.mp4"); p.err == nil {
		t.Error("there is a proof before all is signed")
	}
	f.round("2026-11-23T02:00:00+01:00")
	p := f.hour("driveway", "13.mp4")
	f.accept(p)
	var d *proof.Document
	decodeInto(t, p.proof, &d)
	if len(d.Sections) != 2 {
		t.Fatalf("%d sections", len(d.Sections))
	}
	one, err1 := d.Sections[0].Verify(f.key())
	two, err2 := d.Sections[1].Verify(f.key())
	if err1 != nil || err2 != nil || one.Number != 1 || two.Number != 2 || two.Previous != d.Sections[0].Digest() || two.Date != one.Date {
		t.Errorf("%+v, %+v, %v, %v", one, two, err1, err2)
	}
}

// Ensures that the hashes of recordings that retention has taken stay, so that a date can
// still be proven, and that a clip of what is left is accepted.
func TestRetention(t *testing.T) {
	f := newFixture(t)
	rows := f.record("driveway", "2026-11-22T13:10:00+01:00", 6)
	f.round("2026-11-22T14:00:00+01:00")
	f.must(f.store.DB.Forget(f.Context(), rows[2].ID)) // before it is signed
	f.round("2026-11-23T01:00:00+01:00")
	f.must(f.store.DB.Forget(f.Context(), rows[3].ID)) // and after
	f.accept(f.clip("2026-11-22T13:10:00+01:00", "2026-11-22T13:11:00+01:00"))

	c := f.catalog()
	day, err := notary.NewProver(f.path, f.store.Store, c, render).Date(f.Context(), f.state(c, "driveway").Stream, civilDate)
	f.must(err)
	proven, err := day.Check(f.key())
	if err != nil || len(proven) != 6 {
		t.Errorf("%d recordings are proven, %v", len(proven), err)
	}
	day.Sections[0].Leaves[3].Hash[0] ^= 1
	if _, err := day.Check(f.key()); err == nil {
		t.Error("a changed hash is not found")
	}
}

var civilDate = mustDate()

// Ensures that a recording whose file was changed before its leaf was made gets no proof.
func TestChangedBefore(t *testing.T) {
	f := newFixture(t)
	rows := f.record("driveway", "2026-11-22T13:10:00+01:00", 2)
	teststore.Spoil(t, f.path, fmt.Sprintf(`update sample_file_sha256 set sha256 = zeroblob(32) where recording_id = %d`, rows[1].ID))
	f.round("2026-11-23T01:00:00+01:00")
	if p := f.hour("driveway", "13.mp4"); p.err == nil {
		t.Error("it has one")
	}
	f.accept(f.clip("2026-11-22T13:10:00+01:00", "2026-11-22T13:10:09.5+01:00"))
}
