// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// verifiedName is the file of a cache that has the notes. Its first line is the SHA-256 of
	// what follows: a damaged one would say of blocks that they are there.
	verifiedName = "verified"
	// bootPath has another value each time that the machine starts.
	bootPath = "/proc/sys/kernel/random/boot_id"
	// rest is how long a file must not have changed before it is noted: each later change then
	// shows in its times, however coarse the clock of the file system is.
	rest = 2 * time.Second
	// notingTime bounds how long the end of a process waits for disks because of notes.
	notingTime = time.Second
)

// A stamp is what shows whether a file is still the same, and has not changed.
type stamp struct {
	Inode      uint64 `json:"inode"`
	SizeBytes  int64  `json:"sizeBytes"`
	ModifiedNs int64  `json:"modifiedNs"`
	ChangedNs  int64  `json:"changedNs"`
}

func stampOf(file *os.File) (stamp, error) {
	info, err := file.Stat()
	if err != nil {
		return stamp{}, err
	}
	st := info.Sys().(*unixStat)
	return stamp{st.Ino, st.Size, st.Mtim.Nano(), st.Ctim.Nano()}, nil
}

// A note says which blocks of a file were compared with their checksums, so that the next
// process need not do so. It counts for the very same file, unchanged, and until the machine
// starts anew: a kernel that stops at once may have lost what it had not written yet.
type note struct {
	stamp
	// Blocks has a bit for each block, beginning with the lowest one of the first byte.
	Blocks []byte `json:"blocks"`
}

func (n *note) has(block int) bool {
	return block/8 < len(n.Blocks) && n.Blocks[block/8]&(1<<(block%8)) != 0
}

// notes are those of all files of a cache.
type notes struct {
	Boot  string              `json:"boot"`
	Files map[uuid.UUID]*note `json:"files"`
}

// adopt takes over what an earlier process has noted, if that is of the file that is open now.
func (f *cachedFile) adopt() {
	if f.noted == nil || f.noted.stamp != f.stamp {
		f.noted = nil
		return
	}
	for i := range f.blocks {
		if f.noted.has(i) {
			f.blocks[i].Store(present)
		}
	}
}

// verified has a bit for each block that is known to be there.
func (f *cachedFile) verified() []byte {
	bits := make([]byte, (len(f.blocks)+7)/8)
	for i := range f.blocks {
		if f.isPresent(i) {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return bits
}

// note returns what the next process may know of the file, or nil. What this process has found
// out is noted only once it is durable: a write that fails after all would be lost unseen.
func (f *cachedFile) note(until time.Time) *note {
	if f.table == nil {
		return f.noted // it was not used
	}
	file, err := os.Open(f.path())
	if err != nil {
		return nil
	}
	defer file.Close()
	now, err := stampOf(file)
	if err != nil || !f.isAt(now) {
		return nil
	}
	n := &note{now, f.verified()}
	if f.noted != nil && f.noted.stamp == now && bytes.Equal(f.noted.Blocks, n.Blocks) {
		return n
	}
	if time.Since(time.Unix(0, now.ChangedNs)) < rest || time.Now().After(until) || unix.Fdatasync(int(file.Fd())) != nil {
		return nil
	}
	return n
}

// isAt tells whether what is known of the file is of what has a stamp.
func (f *cachedFile) isAt(now stamp) bool {
	f.changing.Lock()
	defer f.changing.Unlock()
	return f.stamp == now
}

// note writes what is known of all files, those first that were used last. It is called with
// c.mu held.
func (c *Cache) note() error {
	boot := bootID()
	if boot == "" {
		return nil
	}
	all, until := notes{boot, make(map[uuid.UUID]*note)}, time.Now().Add(notingTime)
	for place := c.order.Back(); place != nil; place = place.Prev() {
		f := place.Value.(*cachedFile)
		if n := f.note(until); n != nil {
			all.Files[f.name] = n
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	path := filepath.Join(c.path, verifiedName)
	if err := os.WriteFile(path+".new", append(digestLine(text), text...), 0o600); err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	return os.Rename(path+".new", path)
}

// readNotes returns what an earlier process has noted since the machine was started.
func (c *Cache) readNotes() (map[uuid.UUID]*note, error) {
	data, err := os.ReadFile(filepath.Join(c.path, verifiedName))
	if err != nil {
		return nil, err
	}
	_, text, _ := bytes.Cut(data, []byte("\n"))
	if !bytes.HasPrefix(data, digestLine(text)) {
		return nil, fmt.Errorf("%s: it is damaged: %w", verifiedName, moonfirefs.ErrCorrupt)
	}
	var found notes
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("%s: %w", verifiedName, err)
	}
	if found.Boot == "" || found.Boot != bootID() {
		return nil, nil
	}
	return found.Files, nil
}

func digestLine(text []byte) []byte {
	sum := sha256.Sum256(text)
	return append(hex.AppendEncode(nil, sum[:]), '\n')
}

// bootID is empty where that cannot be had.
func bootID() string {
	text, _ := os.ReadFile(bootPath)
	return strings.TrimSpace(string(text))
}
