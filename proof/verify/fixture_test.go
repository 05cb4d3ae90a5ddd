// SPDX-License-Identifier: GPL-3.0-or-later

package verify_test

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"testing"
	"time"
	_ "time/tzdata" // the tests must not depend on the machine's zones

	"aead.dev/minisign"
	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/proof"
	"github.com/moonfirefs/moonfirefs/proof/notary"
	"github.com/moonfirefs/moonfirefs/proof/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	zone = "Europe/Zurich"
	// date is that of most footage.
	date = "2026-11-22"
)

var params = teststore.Params{Width: 64, Height: 48, FPS: 5, Seconds: 30}

// fixture is a store that makes proofs, of two cameras.
type fixture struct {
	*testing.T
	path   string
	store  *teststore.Store
	notary *notary.Notary
	now    time.Time
	media  *teststore.Media
	audio  *teststore.Audio
	stamps string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, media: teststore.MadeUp(params, 300), audio: madeUpAudio()}
	f.path = teststore.NewWith(t, zone, teststore.Camera{Name: "driveway", RetainBytes: 1 << 40, SubRetainBytes: 1 << 40}, teststore.Camera{Name: "door", RetainBytes: 1 << 40})
	f.store = teststore.MustOpen(t, f.path)
	if _, err := notary.FolderOf(f.path).Init(0); err != nil {
		t.Fatal(err)
	}
	f.openNotary()
	t.Cleanup(func() { f.must(f.notary.Close()) })
	return f
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) openNotary() {
	f.Helper()
	var err error
	f.notary, err = notary.Open(f.Context(), notary.Options{
		StorePath: f.path, Store: f.store.Store, TimeStampURL: f.stamps, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return f.now },
	})
	f.must(err)
}

// madeUpAudio is AAC that nobody can decode.
func madeUpAudio() *teststore.Audio {
	box := make([]byte, 36)
	binary.BigEndian.PutUint32(box, uint32(len(box)))
	copy(box[4:], "mp4a")
	a := &teststore.Audio{Entry: moonfirefs.NewAudioSampleEntry(box, teststore.AudioRate, 1, teststore.AudioFrameSamples, "mp4a.40.2")}
	for i := range 50 {
		a.Frames = append(a.Frames, bytes.Repeat([]byte{byte(i + 1)}, 40+i))
	}
	return a
}

// record records recordings of ten seconds from a time on.
func (f *fixture) record(folder, at string, recordings int) []*moonfirefs.Recording {
	f.Helper()
	rows, err := f.store.RecordRows(f.Context(), teststore.Take{
		Folder: folder, Start: teststore.At(at), Recordings: recordings, Seconds: 10, Media: f.media, Audio: f.audio,
	})
	f.must(err)
	return rows
}

// round has the notary work at a time.
func (f *fixture) round(at string) {
	f.Helper()
	f.now = teststore.At(at).Time()
	f.must(f.notary.Round(f.Context()))
}

func (f *fixture) key() (key minisign.PublicKey) {
	f.Helper()
	text, err := notary.FolderOf(f.path).PublicKeyText()
	f.must(err)
	f.must(key.UnmarshalText(text))
	return key
}

// provable is a file and its proof.
type provable struct {
	data  []byte
	proof []byte
	// err says why there is no proof.
	err error
}

// edited is the proof after somebody has edited it.
func (p *provable) edited(t *testing.T, edit func(*proof.Document)) []byte {
	t.Helper()
	d, err := proof.Decode(bytes.NewReader(p.proof))
	if err != nil {
		t.Fatal(err)
	}
	edit(d)
	text, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var render = library.RenderOptions{Timestamps: true}

func (f *fixture) catalog() *library.Catalog {
	f.Helper()
	c, err := library.New(library.Options{Index: f.store.DB, Dirs: f.store.Directories(), Zone: f.store.Zone, Created90k: f.store.DB.Meta().Created90k, Render: render})
	f.must(err)
	return c
}

// hour reads a file of an hour of date.
func (f *fixture) hour(folder, name string) *provable {
	f.Helper()
	c := f.catalog()
	state := f.state(c, folder)
	d, _ := civil.ParseDate(date)
	day, err := c.Day(f.Context(), state, d)
	f.must(err)
	v := day.Find(name)
	if v == nil {
		f.Fatalf("no %s in %+v", name, day.Versions)
	}
	return f.read(c, state, v)
}

// clip is a clip of the driveway.
func (f *fixture) clip(from, to string) *provable {
	f.Helper()
	c := f.catalog()
	state := f.state(c, "driveway")
	v, ok, err := c.Clip(f.Context(), state, moonfirefs.Interval{Start90k: teststore.At(from), End90k: teststore.At(to)}, 1)
	if f.must(err); !ok {
		f.Fatal("no such clip")
	}
	return f.read(c, state, &v)
}

func (f *fixture) state(c *library.Catalog, folder string) *library.StreamState {
	f.Helper()
	now, err := c.Snapshot(f.Context())
	f.must(err)
	return now.Folder(folder)
}

func (f *fixture) read(c *library.Catalog, state *library.StreamState, v *library.Version) *provable {
	f.Helper()
	opened, err := c.Open(f.Context(), state.Stream, v)
	f.must(err)
	defer opened.Close()
	p := &provable{data: make([]byte, opened.Size())}
	f.must(opened.ReadAt(f.Context(), p.data, 0))
	p.proof, p.err = notary.Companions{Prover: notary.NewProver(f.path, f.store.Store, c, render)}.OfFile(f.Context(), state.Stream, v)
	return p
}

// verify compares; problem is "" if all fits.
func (f *fixture) verify(data, document []byte, key minisign.PublicKey) (report *verify.Report, problem string) {
	f.Helper()
	d, err := proof.Decode(bytes.NewReader(document))
	if err != nil {
		return nil, err.Error()
	}
	report, err = verify.File(f.Context(), bytes.NewReader(data), int64(len(data)), d, key)
	if err != nil {
		return nil, err.Error()
	}
	if !report.Unchanged() {
		return report, report.Text(key.ID())
	}
	return report, ""
}

func (f *fixture) accept(p *provable) *verify.Report {
	f.Helper()
	if p.err != nil {
		f.Fatal(p.err)
	}
	report, problem := f.verify(p.data, p.proof, f.key())
	if problem != "" {
		f.Fatalf("not accepted:\n%s", problem)
	}
	return report
}

func mustDate() civil.Date {
	d, ok := civil.ParseDate(date)
	if !ok {
		panic(date)
	}
	return d
}
