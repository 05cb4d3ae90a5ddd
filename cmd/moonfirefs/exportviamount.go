// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/proof/notary"
)

// fromMount exports the clip that a mount shows.
func (f *exportFlags) fromMount(cmd *cobra.Command, m *footageMount, args []string) error {
	for _, flag := range []string{"gaps", "no-timestamps"} {
		if cmd.Flags().Changed(flag) {
			return &usageError{fmt.Errorf("--%s: the store is not yours to read, and the mount at %s decides", flag, m.path)}
		}
	}
	all, zone, err := m.streams()
	if err != nil {
		return err
	}
	stream, i, err := findInterval(all, zone, args)
	if err == nil {
		err = explain(zone, stream, i, curate.CheckClip(i, zone))
	}
	if err != nil {
		return err
	}
	name := clipName(civil.Calendar{Zone: zone}, i)
	clips := filepath.Join(m.path, stream.Folder, library.ClipsFolder)
	parts, err := f.openFiles(clips, name)
	if errors.Is(err, iofs.ErrNotExist) {
		err = noFootage(stream.Folder, timesText(zone, i), max(f.part, 1))
	}
	if err != nil {
		return err
	}
	defer closeAll(parts)
	_, err = os.Stat(filepath.Join(m.path, notary.PublicKeyName))
	return f.writeAll(cmd, parts, proving{store: m.path, proves: err == nil, prove: func(number int) ([]byte, error) {
		name.Part = number
		text, err := os.ReadFile(filepath.Join(clips, proofPath(name.String())))
		if errors.Is(err, iofs.ErrNotExist) {
			err = notary.ErrNotSigned
		}
		return text, err
	}})
}

// openFiles opens all parts of a clip that are asked for.
func (f *exportFlags) openFiles(clips string, name library.ClipName) (parts []exported, err error) {
	for name.Part = max(f.part, 1); ; name.Part++ {
		part, err := openPiece(filepath.Join(clips, name.String()))
		switch {
		case errors.Is(err, iofs.ErrNotExist) && len(parts) > 0:
			return parts, nil
		case err != nil:
			closeAll(parts)
			return nil, err
		}
		if parts = append(parts, part); f.part > 0 {
			return parts, nil
		}
	}
}

// clipName is the name of the clip of an interval, with the seconds whole that it begins and
// ends in.
func clipName(calendar civil.Calendar, i moonfirefs.Interval) library.ClipName {
	end := i.End90k.Time()
	if whole := end.Truncate(time.Second); !whole.Equal(end) {
		end = whole.Add(time.Second)
	}
	return library.ClipName{Start: moment(calendar, i.Start90k.Time()), End: moment(calendar, end), Part: 1}
}

// moment is what the clock shows at a time, with the offset from UTC where the clock shows
// that twice.
func moment(calendar civil.Calendar, t time.Time) civil.Moment {
	t = t.In(calendar.Zone).Truncate(time.Second)
	m := civil.MomentOf(t)
	if first, ok := calendar.Instant(m); !ok || first != moonfirefs.FromTime(t) {
		_, offset := t.Zone()
		m.Offset = civil.FormatOffset(offset)
	}
	return m
}

// openFile is a piece in a mount.
type openFile struct {
	*os.File
	size int64
}

func openPiece(path string) (exported, error) {
	file, err := os.Open(path)
	if err != nil {
		return exported{}, err
	}
	info, err := file.Stat()
	if err != nil {
		return exported{}, errors.Join(err, file.Close())
	}
	return exported{&openFile{file, info.Size()}, info.ModTime()}, nil
}

// Size implements piece.
func (f *openFile) Size() int64 { return f.size }

// ReadAt implements piece.
func (f *openFile) ReadAt(_ context.Context, p []byte, off int64) error {
	_, err := f.File.ReadAt(p, off)
	return err
}
