// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// metaName is the file that marks a directory as ours.
const metaName = "meta"

// OwnNames are those that an empty directory may have in it.
var OwnNames = []string{metaName, lockName, "lost+found"}

// maxMetaBytes is many times what the file has.
const maxMetaBytes = 64 << 10

// metaFormat is the version of the directory's layout. Format 1 had no
// LastOpening.
const metaFormat = 2

type metaFile struct {
	Format int       `json:"format"`
	Store  uuid.UUID `json:"store"`
	Dir    uuid.UUID `json:"dir"`
	// LastOpening is nil before anything was recorded.
	LastOpening *openingFile `json:"lastOpening,omitempty"`
}

// openingFile is a moonfirefs.Opening.
type openingFile struct {
	ID    moonfirefs.OpenID `json:"id"`
	UUID  uuid.UUID         `json:"uuid"`
	Ended bool              `json:"ended,omitempty"`
}

// readMeta reads the file meta.
func readMeta(root *os.Root) (*metaFile, error) {
	data, err := readSmall(root, metaName, maxMetaBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("it has no file %q: is its disk mounted? %w", metaName, moonfirefs.ErrForeign)
	}
	if err != nil {
		return nil, err
	}
	return decodeMeta(data)
}

// decodeMeta verifies that it is of a format that we know.
func decodeMeta(data []byte) (*metaFile, error) {
	meta := new(metaFile)
	if err := json.Unmarshal(data, meta); err != nil {
		return nil, fmt.Errorf("file %q: %w: %w", metaName, err, moonfirefs.ErrCorrupt)
	}
	if meta.Format > metaFormat {
		return nil, fmt.Errorf("its format is %d, this program knows formats up to %d: %w", meta.Format, metaFormat, moonfirefs.ErrNewer)
	}
	if meta.Format < 1 {
		return nil, fmt.Errorf("its format is %d: %w", meta.Format, moonfirefs.ErrForeign)
	}
	return meta, nil
}

func verify(root *os.Root, id Identity) error {
	meta, err := readMeta(root)
	if err != nil {
		return err
	}
	return meta.verify(id)
}

// verify finds out whether it is that of the directory that was meant.
func (meta *metaFile) verify(id Identity) error {
	switch {
	case meta.Store != id.Store:
		return fmt.Errorf("it belongs to store %s, not to %s: %w", meta.Store, id.Store, moonfirefs.ErrForeign)
	case meta.Dir != id.Dir:
		return fmt.Errorf("it is directory %s of the store, not %s: %w", meta.Dir, id.Dir, moonfirefs.ErrForeign)
	}
	return nil
}

// writeMeta writes the file meta, or replaces it, durably: it holds all of the new text or
// all of the old.
func writeMeta(root *os.Root, meta *metaFile, mode durable.Mode) error {
	data, err := encodeMeta(meta)
	if err != nil {
		return err
	}
	return writeDurably(root, metaName, mode, data)
}

func encodeMeta(meta *metaFile) ([]byte, error) {
	meta.Format = metaFormat
	data, err := json.Marshal(meta)
	return append(data, '\n'), err
}

// writeDurably makes the file appear with all of data or not at all.
func writeDurably(root *os.Root, name string, mode durable.Mode, data []byte) error {
	return durable.WriteIn(root, name, mode, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// LastOpening reads which opening of the store the directory took part in last;
// ok is false if in none that it knows of.
func (d *Dir) LastOpening() (o moonfirefs.Opening, ok bool, err error) {
	meta, err := d.readMeta()
	if err != nil {
		return moonfirefs.Opening{}, false, fmt.Errorf("read sample directory %s: %w", d.Path(), err)
	}
	if meta.LastOpening == nil {
		return moonfirefs.Opening{}, false, nil
	}
	return moonfirefs.Opening(*meta.LastOpening), true, nil
}

func (d *Dir) readMeta() (*metaFile, error) {
	if r := d.remote(); r != nil {
		return readRemoteMeta(r)
	}
	p, err := d.at()
	if err != nil {
		return nil, err
	}
	return readMeta(p.Root)
}

// SetLastOpening records, durably, an opening of the store that the directory
// takes part in. It must have been committed before, and comes before any change
// of the directory on its behalf. A zero Opening means none.
func (d *Dir) SetLastOpening(o moonfirefs.Opening) error {
	meta, err := d.readMeta()
	if err == nil {
		meta.setLastOpening(o)
		err = d.writeMeta(meta)
	}
	if err != nil {
		return fmt.Errorf("record the opening of the store in sample directory %s: %w", d.Path(), err)
	}
	return nil
}

func (d *Dir) writeMeta(meta *metaFile) error {
	if r := d.remote(); r != nil {
		data, err := encodeMeta(meta)
		if err != nil {
			return err
		}
		return r.WriteMeta(data, false)
	}
	p, err := d.at()
	if err != nil {
		return err
	}
	return writeMeta(p.Root, meta, durable.Replace)
}

func (meta *metaFile) setLastOpening(o moonfirefs.Opening) {
	last := openingFile(o)
	meta.LastOpening = &last
	if o.ID == 0 {
		meta.LastOpening = nil
	}
}
