// SPDX-License-Identifier: GPL-3.0-or-later

package proof

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"aead.dev/minisign"
	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// newDocument makes a document of two recordings, and the key that it is signed with.
func newDocument(tb testing.TB) (*Document, minisign.PublicKey) {
	tb.Helper()
	public, secret, err := minisign.GenerateKey(rand.Reader)
	must(tb, err)
	id := uuid.New()
	camera := &moonfirefs.Camera{UUID: uuid.New(), ShortName: "driveway"}
	entry := moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0aavc1ab"), 64, 48, 1, 1, "avc1.4d401e")
	d := &Document{File: File{Kind: Hour, Start90k: 0, End90k: 324000000, Part: 1}}
	var hashes []Digest
	section := Section{}
	for i := range 2 {
		var table moonfirefs.SampleTable
		for k := range 10 {
			table.AddVideo(moonfirefs.Sample{Duration90k: 3000, Bytes: 5, Sync: k%5 == 0})
		}
		r := &moonfirefs.Recording{Summary: moonfirefs.Summary{Start90k: moonfirefs.Time90k(i * 30000)}, SampleFileSHA256: Digest{1}}
		table.Fill(r)
		groups, err := DigestGroups(r, bytes.NewReader(make([]byte, 50)))
		must(tb, err)
		leaf := NewLeaf(id, camera, moonfirefs.MainStream, r, entry, nil, groups)
		hashes = append(hashes, leaf.Hash())
		section.Leaves = append(section.Leaves, Entry{Leaf: leaf, VideoIndex: r.VideoIndex, Groups: groups.Bytes()})
	}
	signed, err := Sign(&Statement{Store: id, Number: 1, Date: "1970-01-01", Zone: "UTC", Signed: time.Unix(90000, 0).UTC(), Leaves: 2, Root: Root(hashes)}, secret)
	must(tb, err)
	section.Signed = *signed
	d.Sections = []Section{section}
	return d, public
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Ensures that a document comes back as it was written, proves its recordings, and that
// their groups are those of their key frames.
func TestDocument(t *testing.T) {
	d, key := newDocument(t)
	text, err := d.Encode()
	must(t, err)
	again, err := Decode(bytes.NewReader(text))
	must(t, err)
	proven, err := again.Check(key)
	must(t, err)
	if len(proven) != 2 || proven[1].Recording.Start90k != 30000 || proven[1].Recording.VideoSamples != 10 || len(proven[1].Groups) != 2*len(Digest{}) {
		t.Errorf("%+v", proven)
	}
}

// TestDecode ensures that a document is read as an editor leaves it, and nothing that is more than one.
func TestDecode(t *testing.T) {
	d, _ := newDocument(t)
	text, err := d.Encode()
	must(t, err)
	for name, data := range map[string][]byte{
		"a byte order mark": append([]byte("\uFEFF"), text...),
		"CRLF":              bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
	} {
		if _, err := Decode(bytes.NewReader(data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, data := range map[string][]byte{
		"two documents": append(bytes.Clone(text), text...),
		"something":     append(bytes.Clone(text), '}'),
		"a half":        text[:len(text)/2],
		"nothing":       nil,
	} {
		if _, err := Decode(bytes.NewReader(data)); !errors.Is(err, ErrDocument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDocument ensures that nothing which is read as a proof makes the program fail, or
// proves what was not signed.
func FuzzDocument(f *testing.F) {
	d, key := newDocument(f)
	text, err := d.Encode()
	must(f, err)
	f.Add(text)
	f.Add([]byte(`{"format":"moonfirefs proof 1","sections":[{"leaves":[{}]}]}`))
	want := d.Sections[0].Leaves[1].Leaf.Hash()
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Decode(bytes.NewReader(text))
		if err != nil {
			return
		}
		proven, err := d.Check(key)
		if err != nil {
			return
		}
		for _, p := range proven {
			if p.Leaf != nil && p.Leaf.Hash() != want && p.Leaf.Start90k != 0 {
				t.Errorf("%+v is proven", p.Leaf)
			}
		}
	})
}
