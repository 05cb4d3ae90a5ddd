// SPDX-License-Identifier: GPL-3.0-or-later

package notary

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/proof"
)

// leafRecord is a line of a file of leaves. Such a file is lengthened line by line. What a
// crash has cost of it is made again of the recordings.
type leafRecord struct {
	// SampleFile names the recording: ids can come again in an index that was restored.
	SampleFile uuid.UUID   `json:"sampleFile"`
	Leaf       *proof.Leaf `json:"leaf"`
	Groups     []byte      `json:"groups"`
}

// streamKey names a stream for ever.
type streamKey struct {
	camera uuid.UUID
	kind   moonfirefs.StreamKind
}

func (k streamKey) String() string { return k.camera.String() + "-" + string(k.kind) }

func (f Folder) leafPath(date string, key streamKey) string {
	return f.in(leavesName, date, key.String()+".jsonl")
}

// maxLeafBytes is several times the length of the line of a recording of many groups.
const maxLeafBytes = 16 << 20

// eachLeaf calls fn for each whole line of a file of leaves; there is none where the file
// is missing. wholeBytes is where the last one ends.
func (f Folder) eachLeaf(date string, key streamKey, fn func(*leafRecord) error) (wholeBytes int64, err error) {
	file, err := durable.OpenRegular(f.leafPath(date, key))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for r := bufio.NewReaderSize(file, 64<<10); ; {
		line, err := readLine(r)
		if err != nil || line == nil {
			return wholeBytes, err
		}
		var record leafRecord
		if err := json.Unmarshal(line, &record); err != nil || record.Leaf == nil {
			// Of a crash as well: the lines behind it are made again.
			return wholeBytes, nil
		}
		if err := fn(&record); err != nil {
			return wholeBytes, err
		}
		wholeBytes += int64(len(line))
	}
}

// readLine returns the next whole line, or nil. A line without an end is one that a crash has
// torn, or is not of ours if it is too long for a leaf.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for len(line) <= maxLeafBytes {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, io.EOF):
			return nil, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
	return nil, nil
}

// leafFile is a file of leaves that is being lengthened.
type leafFile struct {
	file *os.File
	path string
	// leaves are those that it has, by sample file.
	leaves map[uuid.UUID]leaf
	dirty  bool
}

// leaf is what is signed of a recording, without its details.
type leaf struct {
	start90k moonfirefs.Time90k
	hash     proof.Digest
}

func (f Folder) openLeaves(date string, key streamKey) (*leafFile, error) {
	opened := &leafFile{path: f.leafPath(date, key), leaves: make(map[uuid.UUID]leaf)}
	wholeBytes, err := f.eachLeaf(date, key, func(r *leafRecord) error {
		opened.leaves[r.SampleFile] = leaf{r.Leaf.Start90k, r.Leaf.Hash()}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", opened.path, err)
	}
	if err := durable.MkdirInside(filepath.Dir(opened.path)); err != nil {
		return nil, err
	}
	opened.file, err = os.OpenFile(opened.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(durable.AdoptFile(opened.file), opened.file.Truncate(wholeBytes)); err != nil {
		return nil, errors.Join(err, opened.file.Close())
	}
	return opened, nil
}

func (l *leafFile) add(r *leafRecord) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	l.dirty = true
	if _, err := l.file.Write(append(bytes.TrimSpace(line), '\n')); err != nil {
		return err
	}
	l.leaves[r.SampleFile] = leaf{r.Leaf.Start90k, r.Leaf.Hash()}
	return nil
}

// sync makes what was added durable.
func (l *leafFile) sync() error {
	if !l.dirty {
		return nil
	}
	if err := l.file.Sync(); err != nil {
		return err
	}
	l.dirty = false
	folder := filepath.Dir(l.path)
	return errors.Join(durable.SyncDir(folder), durable.SyncDir(filepath.Dir(folder)))
}

// parseStreamKey takes what streamKey.String returns.
func parseStreamKey(text string) (key streamKey, ok bool) {
	const uuidLength = 36
	if len(text) <= uuidLength || text[uuidLength] != '-' {
		return key, false
	}
	camera, err := uuid.Parse(text[:uuidLength])
	return streamKey{camera, moonfirefs.StreamKind(text[uuidLength+1:])}, err == nil
}
