// SPDX-License-Identifier: GPL-3.0-or-later

package notary

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/mp4"
	"github.com/moonfirefs/moonfirefs/proof"
)

// ErrNotSigned is returned for footage of which something is in no statement: the day is
// not over, or it was recorded before there was a key.
var ErrNotSigned = moonfirefs.Errorf(moonfirefs.ErrNotFound, "not all of this footage is signed (it is when its day is over)")

// Prover makes documents. It is safe for concurrent use.
type Prover struct {
	store   *store.Store
	catalog *library.Catalog
	render  library.RenderOptions
	folder  Folder
}

// NewProver returns the prover of a store in a directory, which is open. render is that
// of the catalog.
func NewProver(storePath string, s *store.Store, catalog *library.Catalog, render library.RenderOptions) *Prover {
	return &Prover{store: s, catalog: catalog, render: render, folder: FolderOf(storePath)}
}

// File returns the document of a version of a file. The error wraps ErrNotSigned if there
// is none.
func (p *Prover) File(ctx context.Context, s *library.Stream, v *library.Version) (*proof.Document, error) {
	if !p.folder.Exists() {
		return nil, ErrNotSigned
	}
	spec, err := p.catalog.Spec(ctx, s, v)
	if errors.Is(err, moonfirefs.ErrNotFound) { // some of it is still being recorded
		return nil, ErrNotSigned
	}
	if err != nil {
		return nil, err
	}
	layout, err := mp4.New(spec)
	if err != nil {
		return nil, err
	}
	d := &proof.Document{File: proof.File{
		Kind: proof.Hour, Start90k: v.Interval.Start90k, End90k: v.Interval.End90k, Part: int(v.Part),
		CollapseGaps: p.render.Gaps == mp4.GapsCollapse, Timestamps: p.render.Timestamps,
	}}
	if spec.Excerpt != nil {
		d.File.Kind = proof.Clip
	}
	m := &documentMaker{Prover: p, document: d, stream: s, wanted: make(map[uuid.UUID]*wantedRecording)}
	ids := make([]moonfirefs.RecordingID, len(spec.Recordings))
	for i := range spec.Recordings {
		ids[i] = spec.Recordings[i].ID
	}
	files, err := p.store.DB.SampleFiles(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, r := range spec.Recordings {
		m.wanted[files[i].UUID] = &wantedRecording{summary: r, excerpt: spec.IsCut()}
	}
	for e := range layout.Extents() {
		w := m.wanted[files[e.Recording].UUID]
		w.extents = append(w.extents, e)
	}
	return d, m.make(ctx)
}

// Date returns the document of a date of a stream: the hashes of all of its recordings.
func (p *Prover) Date(_ context.Context, s *library.Stream, date civil.Date) (*proof.Document, error) {
	d := &proof.Document{File: proof.File{Kind: proof.Day, Part: 1}}
	pieces := civil.Pieces(p.catalog.Calendar().Hours(date))
	if len(pieces) == 0 || !p.folder.Exists() {
		return nil, ErrNotSigned
	}
	d.File.Start90k, d.File.End90k = pieces[0].Start90k, pieces[len(pieces)-1].End90k
	own := make(map[proof.Digest]bool)
	_, err := p.folder.eachLeaf(date.String(), keyOf(s), func(r *leafRecord) error {
		own[r.Leaf.Hash()] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = p.eachStatement(date.String(), func(f *statementFile) error {
		d.Sections = append(d.Sections, section(f, func(hash proof.Digest) (*proof.Entry, bool) { return nil, own[hash] })...)
		return nil
	})
	if err == nil && len(d.Sections) == 0 {
		err = ErrNotSigned
	}
	return d, err
}

// PublicKey returns the file of the public key, or an error that wraps fs.ErrNotExist.
func (p *Prover) PublicKey() ([]byte, error) { return p.folder.PublicKeyText() }

func keyOf(s *library.Stream) streamKey { return streamKey{s.Camera, s.Kind} }

func (p *Prover) eachStatement(date string, fn func(*statementFile) error) error {
	names, err := p.folder.statementFiles(date)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		f, err := p.folder.readStatement(name)
		if err == nil {
			err = fn(f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// section makes the run of leaves of a statement that has all those which are wanted, and
// the hashes of those between; none if none is.
func section(f *statementFile, wanted func(proof.Digest) (*proof.Entry, bool)) []proof.Section {
	tree := f.tree()
	entries := make([]proof.Entry, len(tree))
	first, end := len(tree), 0
	for i := range tree {
		entry, ok := wanted(tree[i])
		if ok {
			first, end = min(first, i), i+1
		}
		if entry != nil {
			entries[i] = *entry
		} else {
			entries[i].Hash = &tree[i]
		}
	}
	if first >= end {
		return nil
	}
	return []proof.Section{{Signed: f.Signed, First: first, Path: proof.Path(tree, first, end), Leaves: entries[first:end]}}
}

// wantedRecording is one that a file is made of.
type wantedRecording struct {
	summary moonfirefs.Summary
	extents []mp4.Extent
	excerpt bool
	entry   *proof.Entry
}

// documentMaker fills in a document.
type documentMaker struct {
	*Prover
	document *proof.Document
	stream   *library.Stream
	wanted   map[uuid.UUID]*wantedRecording
	entries  map[proof.Digest]*proof.Entry
}

func (m *documentMaker) make(ctx context.Context) error {
	dates := make(map[string]bool)
	for _, w := range m.wanted {
		dates[m.dateOf(w.summary.Start90k)] = true
		if w.excerpt { // of which the recording itself began earlier
			dates[m.dateOf(w.summary.Start90k.Add(-moonfirefs.MaxRecordingDuration90k))] = true
		}
	}
	m.entries = make(map[proof.Digest]*proof.Entry)
	for date := range dates {
		if err := m.loadLeaves(ctx, date); err != nil {
			return err
		}
	}
	for _, date := range sortedKeys(dates) {
		err := m.eachStatement(date, func(f *statementFile) error {
			m.document.Sections = append(m.document.Sections, section(f, func(hash proof.Digest) (*proof.Entry, bool) {
				entry, ok := m.entries[hash]
				delete(m.entries, hash)
				return entry, ok
			})...)
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, w := range m.wanted {
		if w.entry == nil {
			return ErrNotSigned
		}
	}
	if len(m.entries) > 0 || len(m.document.Sections) == 0 {
		return ErrNotSigned
	}
	return nil
}

func (m *documentMaker) dateOf(t moonfirefs.Time90k) string {
	return m.catalog.Calendar().HourAt(t).Date.String()
}

func sortedKeys(set map[string]bool) (keys []string) {
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// loadLeaves makes the entries of the recordings of a date.
func (m *documentMaker) loadLeaves(ctx context.Context, date string) error {
	_, err := m.folder.eachLeaf(date, keyOf(m.stream), func(r *leafRecord) error {
		w := m.wanted[r.SampleFile]
		if w == nil {
			return nil
		}
		stored, err := m.store.DB.Recording(ctx, w.summary.ID)
		if err != nil {
			return err
		}
		w.entry = &proof.Entry{Leaf: r.Leaf, VideoIndex: stored.VideoIndex, AudioIndex: stored.AudioIndex, Groups: r.Groups}
		if w.excerpt {
			if w.entry.Missing, err = m.missing(stored, w); err != nil {
				return err
			}
		}
		m.entries[r.Leaf.Hash()] = w.entry
		return nil
	})
	return err
}

// missing are the hashes of samples that the file does not have; see proof.Entry.
func (m *documentMaker) missing(r *moonfirefs.Recording, w *wantedRecording) (hashes []byte, err error) {
	lacking := proof.Lacking(r, func(p *proof.Place) bool {
		return slices.ContainsFunc(w.extents, func(e mp4.Extent) bool {
			return p.Offset >= e.SampleOffset && p.Offset+int64(p.Bytes) <= e.SampleOffset+e.Bytes
		})
	})
	if len(lacking) == 0 {
		return nil, nil
	}
	dir := m.store.Dirs[r.SampleDir]
	if dir == nil {
		return nil, fmt.Errorf("sample directory %d is not open", r.SampleDir)
	}
	file, err := dir.Open(r.SampleFile, r.SampleFileBytes)
	if err != nil {
		return nil, err
	}
	defer file.Release()
	for _, p := range lacking {
		data := make([]byte, p.Bytes)
		if err := file.ReadAt(data, p.Offset); err != nil {
			return nil, err
		}
		hash := p.Hash(data)
		hashes = append(hashes, hash[:]...)
	}
	return hashes, nil
}
