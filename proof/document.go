// SPDX-License-Identifier: GPL-3.0-or-later

package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"aead.dev/minisign"

	"github.com/moonfirefs/moonfirefs"
)

const (
	documentFormat = "moonfirefs proof 1"
	// maxDocumentBytes is several times what a clip of a day takes.
	maxDocumentBytes = 256 << 20
)

// ErrDocument is returned for what is not a proof, or contradicts itself.
var ErrDocument = errors.New("the proof is not valid")

// Document proves the recordings that a file is made of. Nothing in it is to be believed
// before Check.
type Document struct {
	Format string `json:"format"`
	File   File   `json:"file"`
	// Sections are in the order of time, one for each statement that is needed.
	Sections []Section `json:"sections"`
}

// Kind is what a document is about.
type Kind string

// The kinds of documents.
const (
	// Hour: the file of an hour, whole recordings.
	Hour Kind = "hour"
	// Clip: an interval that somebody has asked for, cut at groups of pictures.
	Clip Kind = "clip"
	// Day: all leaves of a stream and a date, without what is needed to compare footage.
	Day Kind = "day"
)

// File says how the recordings were made into a file. It is not signed, and needs not be:
// another File means other bytes.
type File struct {
	Kind     Kind               `json:"kind"`
	Start90k moonfirefs.Time90k `json:"start90k"`
	End90k   moonfirefs.Time90k `json:"end90k"`
	// Part counts from 1 the files that the interval takes.
	Part int `json:"part"`
	// CollapseGaps and Timestamps are the options of the mount, or of the export.
	CollapseGaps bool `json:"collapseGaps,omitempty"`
	Timestamps   bool `json:"timestamps,omitempty"`
}

// Interval is that of the file.
func (f *File) Interval() moonfirefs.Interval {
	return moonfirefs.Interval{Start90k: f.Start90k, End90k: f.End90k}
}

// Section is a run of leaves of one statement.
type Section struct {
	Signed
	// First is where in the tree the leaves begin, and Path is the one beside them.
	First  int      `json:"first"`
	Path   []Digest `json:"path"`
	Leaves []Entry  `json:"leaves"`
}

// Entry is a leaf, with what is needed to compare footage; or the hash of one that the
// file does not have.
type Entry struct {
	Leaf *Leaf   `json:"leaf,omitempty"`
	Hash *Digest `json:"hash,omitempty"`
	// VideoIndex and AudioIndex are the tables of samples.
	VideoIndex []byte `json:"videoIndex,omitempty"`
	AudioIndex []byte `json:"audioIndex,omitempty"`
	// Groups are Groups.Bytes.
	Groups []byte `json:"groups,omitempty"`
	// Missing are the hashes of the samples that are not in the file although others of
	// their group, or of their chunk, are: one after another, in the order of Places.
	Missing []byte `json:"missing,omitempty"`
}

// Encode returns the bytes of the document's file.
func (d *Document) Encode() ([]byte, error) {
	d.Format = documentFormat
	text, err := json.MarshalIndent(d, "", " ")
	return append(text, '\n'), err
}

// Decode reads a document. The error wraps ErrDocument if it is none.
func Decode(r io.Reader) (*Document, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxDocumentBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read proof: %w", err)
	}
	if len(text) > maxDocumentBytes {
		return nil, fmt.Errorf("%w: it has more than %d MiB", ErrDocument, maxDocumentBytes>>20)
	}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\uFEFF")))) // some editors begin files with it
	d.DisallowUnknownFields()
	var document Document
	if err := d.Decode(&document); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: there is more behind its end", ErrDocument)
	}
	if document.Format != documentFormat {
		return nil, fmt.Errorf("%w: its format is %q, this program knows %q", ErrDocument, document.Format, documentFormat)
	}
	return &document, nil
}

// Proven is a recording that a document proves.
type Proven struct {
	*Entry
	Statement *Statement
	// Recording has the indexes, and no ids but its own, which counts from 1. It is nil in
	// a document of kind Day, and for a hash.
	Recording *moonfirefs.Recording
}

// Check returns what the document proves if all of its statements were signed with the
// key and all leaves are of their trees. The error wraps ErrSignature or ErrDocument if
// not.
func (d *Document) Check(key minisign.PublicKey) ([]Proven, error) {
	var all []Proven
	for i := range d.Sections {
		s := &d.Sections[i]
		statement, err := s.Verify(key)
		if err != nil {
			return nil, err
		}
		if err := s.check(statement); err != nil {
			return nil, fmt.Errorf("%w: what it says of %s: %w", ErrDocument, statement.Date, err)
		}
		for k := range s.Leaves {
			all = append(all, Proven{Entry: &s.Leaves[k], Statement: statement})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrDocument)
	}
	if d.File.Kind == Day {
		return all, nil
	}
	return all, d.fill(all)
}

// check compares the leaves with what was signed.
func (s *Section) check(statement *Statement) error {
	hashes := make([]Digest, len(s.Leaves))
	for i := range s.Leaves {
		var err error
		if hashes[i], err = s.Leaves[i].treeHash(statement); err != nil {
			return err
		}
	}
	root, err := RootByPath(hashes, s.First, statement.Leaves, s.Path)
	if err == nil && root != statement.Root {
		err = errors.New("recordings were altered, moved or exchanged: they are not those that were signed")
	}
	return err
}

func (e *Entry) treeHash(statement *Statement) (Digest, error) {
	switch {
	case e.Leaf == nil && e.Hash != nil:
		return *e.Hash, nil
	case e.Leaf == nil || e.Hash != nil:
		return Digest{}, errors.New("an entry is not one recording")
	case e.Leaf.Store != statement.Store:
		return Digest{}, errors.New("a recording is of another store")
	}
	return e.Leaf.Hash(), nil
}

// fill makes the recordings.
func (d *Document) fill(all []Proven) error {
	first := all[0].Statement
	for i := range all {
		p := &all[i]
		if p.Statement.Store != first.Store || p.Statement.Zone != first.Zone {
			return fmt.Errorf("%w: it mixes stores or time zones", ErrDocument)
		}
		if p.Leaf == nil {
			continue
		}
		r, err := p.recording(moonfirefs.RecordingID(i + 1))
		if err != nil {
			return fmt.Errorf("%w: the recording of %v: %w", ErrDocument, p.Leaf.Start90k, err)
		}
		p.Recording = r
	}
	return nil
}

// recording makes the recording that an entry proves.
func (e *Entry) recording(id moonfirefs.RecordingID) (*moonfirefs.Recording, error) {
	l := e.Leaf
	switch {
	case sha256.Sum256(e.VideoIndex) != l.VideoIndex, sha256.Sum256(e.AudioIndex) != l.AudioIndex:
		return nil, errors.New("its tables of samples are not those that were signed")
	case sha256.Sum256(e.Groups) != l.Groups:
		return nil, errors.New("its digests are not those that were signed")
	case len(e.Missing)%sha256.Size != 0:
		return nil, errors.New("part of a digest")
	}
	r := &moonfirefs.Recording{
		Summary:    moonfirefs.Summary{ID: id, Start90k: l.Start90k, RunOffset: l.RunOffset},
		VideoIndex: e.VideoIndex, AudioIndex: e.AudioIndex,
		SampleFileSHA256: l.SampleFileSHA256, LocalTimeDelta90k: l.LocalTimeDelta90k,
	}
	if err := e.describe(&r.Summary); err != nil {
		return nil, err
	}
	if l.Audio != nil {
		r.Audio.SampleEntry = 1
	}
	r.VideoSampleEntry = 1
	r.Flags = l.Flags
	if problem := r.Problem(); problem != "" {
		return nil, errors.New(problem)
	}
	if problem := r.IndexProblem(); problem != "" {
		return nil, errors.New(problem)
	}
	if r.Duration90k != l.Duration90k || r.SampleFileBytes != l.SampleFileBytes {
		return nil, ErrIndexes
	}
	return r, nil
}

// describe sets what the indexes tell of a recording.
func (e *Entry) describe(s *moonfirefs.Summary) error {
	var table moonfirefs.SampleTable
	video := moonfirefs.DecodeVideoIndex(e.VideoIndex, e.Leaf.Flags)
	audio := moonfirefs.DecodeAudioIndex(e.AudioIndex)
	for audio.NextChunk() {
		for n := audio.VideoSamples; n > 0 && video.Next(); n-- {
			table.AddVideo(video.Sample)
		}
		var chunk []moonfirefs.AudioSample
		for audio.Next() {
			chunk = append(chunk, audio.AudioSample)
		}
		if table.VideoSinceAudio() == 0 || len(chunk) == 0 {
			return ErrIndexes
		}
		table.AddAudio(e.Leaf.AudioStart90k, chunk)
	}
	for video.Next() {
		table.AddVideo(video.Sample)
	}
	if err := errors.Join(video.Err(), audio.Err()); err != nil {
		return err
	}
	s.Audio.SampleEntry = 1
	table.Describe(s)
	return nil
}
