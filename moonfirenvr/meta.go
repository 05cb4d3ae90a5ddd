// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/sample"
)

// metaName is the file that marks one of their sample directories, and metaBytes its size:
// the length of a message as a varint, the message (DirMeta in schema.proto), zeros.
const (
	metaName  = "meta"
	metaBytes = 512
)

// dirMeta is what the file meta says.
type dirMeta struct{ database, dir uuid.UUID }

// Fields of DirMeta.
const (
	fieldDatabase = 1
	fieldDir      = 2
)

var errMeta = fmt.Errorf("its file %q is damaged: %w", metaName, moonfirefs.ErrCorrupt)

// parseMeta reads the file meta. What it does not know it passes over.
func parseMeta(data []byte) (m dirMeta, err error) {
	length, n := binary.Uvarint(data)
	if len(data) != metaBytes || n <= 0 || length > uint64(len(data)-n) {
		return m, errMeta
	}
	for rest := data[n:][:length]; len(rest) > 0; {
		key, n := binary.Uvarint(rest)
		if n <= 0 {
			return m, errMeta
		}
		rest = rest[n:]
		value, n := binary.Uvarint(rest)
		if n <= 0 {
			return m, errMeta
		}
		rest = rest[n:]
		const varint, bytes = 0, 2 // wire types
		switch key & 7 {
		case varint:
			continue
		case bytes:
		default:
			return m, errMeta
		}
		if value > uint64(len(rest)) {
			return m, errMeta
		}
		field := rest[:value]
		rest = rest[value:]
		switch {
		case key>>3 == fieldDatabase && len(field) == len(m.database):
			m.database = uuid.UUID(field)
		case key>>3 == fieldDir && len(field) == len(m.dir):
			m.dir = uuid.UUID(field)
		}
	}
	return m, nil
}

// layoutOf is the layout of one of their directories: files are called by the ids of their
// recordings, which are in their UUIDs here, and lie side by side.
func layoutOf(want dirMeta) sample.Layout {
	return sample.Layout{
		Verify:   func(root *os.Root) error { return verifyMeta(root, want) },
		FileName: func(name uuid.UUID) string { return fileName(idOf(name)) },
	}
}

// fileName is what they call the sample file of a recording.
func fileName(id moonfirefs.RecordingID) string { return fmt.Sprintf("%016x", int64(id)) }

func verifyMeta(root *os.Root, want dirMeta) error {
	f, err := root.OpenFile(metaName, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("it has no file %q: is its disk mounted? %w", metaName, moonfirefs.ErrForeign)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, metaBytes+1))
	if err != nil {
		return err
	}
	got, err := parseMeta(data)
	switch {
	case err != nil:
		return err
	case got.database != want.database:
		return fmt.Errorf("it belongs to database %s, not to %s: %w", got.database, want.database, moonfirefs.ErrForeign)
	case got.dir != want.dir:
		return fmt.Errorf("it is directory %s, not %s: %w", got.dir, want.dir, moonfirefs.ErrForeign)
	}
	return nil
}

// uuidPrefix makes a UUID of our own kind (RFC 9562 §5.8) of a recording's id.
var uuidPrefix = [8]byte{'m', 'o', 'o', 'n', 'f', 'i', 0x80, 0}

// fileOf is the UUID that stands for the sample file of a recording. The id has 58 bits at
// most, since ids of streams have 26; the variant takes the two above them.
func fileOf(id moonfirefs.RecordingID) (name uuid.UUID) {
	copy(name[:], uuidPrefix[:])
	binary.BigEndian.PutUint64(name[8:], uint64(id)|1<<63)
	return name
}

// idOf is the inverse of fileOf.
func idOf(name uuid.UUID) moonfirefs.RecordingID {
	return moonfirefs.RecordingID(binary.BigEndian.Uint64(name[8:]) &^ (1 << 63))
}
