// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// committedBytes is of row 14: what is written to the index for a recording of a minute,
// where several are in a commit, with all that SQLite moves from the WAL to the database
// later. It takes many cycles of the WAL, and no cameras.
func (b *bench) committedBytes(ctx context.Context) error {
	for _, together := range []int{1, 4} {
		n, err := b.bytesOfRecording(ctx, together)
		if err != nil {
			return err
		}
		b.note(14, fmt.Sprintf("written to the index and its WAL in all, for a recording, %d to a commit, against what it says", together),
			"%.1f kB, %.1f×", n/1e3, n/indexTheoryBytes)
	}
	return nil
}

func (b *bench) bytesOfRecording(ctx context.Context, together int) (n float64, err error) {
	path := b.path(fmt.Sprintf("committed%d", together))
	var cameras []teststore.Camera
	for i := range b.flushingCameras {
		cameras = append(cameras, teststore.Camera{Name: fmt.Sprintf("camera%d", i+1), RetainBytes: 1 << 60})
	}
	if err := teststore.Create(ctx, path, "UTC", cameras...); err != nil {
		return 0, err
	}
	s, err := newSaver(ctx, path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	before, err := writtenByThisProcess()
	if err != nil {
		return 0, err
	}
	recordings := b.committedMinutes * b.flushingCameras
	for first := 0; first < recordings; first += together {
		if err := s.saveTogether(ctx, first, together); err != nil {
			return 0, err
		}
	}
	after, err := writtenByThisProcess()
	return float64(after-before) / float64(recordings), err
}

// saveTogether saves n recordings of streams that take turns.
func (s *saver) saveTogether(ctx context.Context, first, n int) error {
	cameras, err := s.DB.Cameras(ctx)
	if err != nil {
		return err
	}
	names := s.names
	if len(names) < n {
		if names, err = s.DB.Reserve(ctx, s.stream.SampleDir, n); err != nil {
			return err
		}
	}
	change := &index.Change{Dir: s.stream.SampleDir, Reserve: n}
	for i := range n {
		minute := moonfirefs.Duration90k((first + i) / len(cameras))
		r := &moonfirefs.Recording{
			Stream: cameras[(first+i)%len(cameras)].Streams[0].ID, SampleDir: s.stream.SampleDir, Open: s.open,
			SampleFile: names[i], SampleFileSHA1: sha1.Sum(names[i][:]), SampleFileSHA256: sha256.Sum256(names[i][:]),
		}
		r.Start90k = s.next90k.Add(minute * minute90k)
		s.table.Fill(r)
		change.Insert = append(change.Insert, r)
		change.SampleEntries = append(change.SampleEntries, s.entry)
	}
	saved, err := s.DB.Commit(ctx, change)
	if err == nil {
		s.names = saved.Reserved
	}
	return err
}

// writtenByThisProcess is what it has passed to write and its like so far.
func writtenByThisProcess() (n int64, err error) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "wchar: ")
	_, err = fmt.Sscan(after, &n)
	return n, err
}
