// SPDX-License-Identifier: GPL-3.0-or-later

package live

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/inprogress"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Names of files that are there for each stream of which there is footage. Segments and
// what comes before them have names that the playlist tells.
const (
	PlaylistName = "live.m3u8"
	PageName     = "index.html"
)

// Live tells what streams are like now. It is safe for concurrent use.
type Live struct {
	index  library.Index
	finder *inprogress.Finder

	mu    sync.Mutex // guards rings
	rings map[moonfirefs.StreamID]*ring
}

// New returns a Live, which has done nothing yet.
func New(index library.Index, dirs map[moonfirefs.SampleDirID]sample.Directory) *Live {
	return &Live{index: index, finder: inprogress.New(index, dirs), rings: make(map[moonfirefs.StreamID]*ring)}
}

// File is a file of a stream's folder. It is immutable.
type File struct {
	// Inode stands for all of its bytes.
	Inode       uint64
	SizeBytes   int64
	Modified90k moonfirefs.Time90k
	// Content returns its bytes.
	Content func(context.Context) ([]byte, error)
}

// File returns the file of a stream that has a name now. The error wraps
// moonfirefs.ErrNotFound if there is none, or no longer.
func (l *Live) File(ctx context.Context, s *library.Stream, name string) (*File, error) {
	f, err := l.file(ctx, s, name)
	if err != nil {
		return nil, fmt.Errorf("live %s of %s: %w", name, s.Folder, err)
	}
	return f, nil
}

func (l *Live) file(ctx context.Context, s *library.Stream, name string) (*File, error) {
	switch name {
	case PageName:
		return page(s)
	case PlaylistName:
		return l.playlist(ctx, s)
	}
	l.mu.Lock()
	r := l.rings[s.ID]
	l.mu.Unlock()
	if r == nil {
		return nil, moonfirefs.ErrNotFound
	}
	return r.file(l, name)
}

// playlist moves the ring of a stream on.
func (l *Live) playlist(ctx context.Context, s *library.Stream) (*File, error) {
	takes, err := l.takes(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	r := l.rings[s.ID]
	if r == nil {
		r = newRing()
		l.rings[s.ID] = r
	}
	l.mu.Unlock()
	return r.playlist(takes)
}

// inMemory is a file with a content.
func inMemory(kind string, content []byte, modified90k moonfirefs.Time90k) *File {
	return &File{
		Inode: inode(kind, content, modified90k), SizeBytes: int64(len(content)), Modified90k: modified90k,
		Content: func(context.Context) ([]byte, error) { return content, nil },
	}
}

// inode derives an inode number from all that makes a file what it is.
func inode(kind string, content []byte, modified90k moonfirefs.Time90k) uint64 {
	text := binary.BigEndian.AppendUint64([]byte("live "+kind+"\x00"), uint64(modified90k))
	digest := sha256.Sum256(append(text, content...))
	// 0, 1 and all ones stand for something else; see library/inode.go.
	return min(max(binary.BigEndian.Uint64(digest[:]), library.RootInode+1), math.MaxUint64-1)
}
