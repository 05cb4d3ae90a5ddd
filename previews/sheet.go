// SPDX-License-Identifier: GPL-3.0-or-later

package previews

import (
	"bytes"
	"context"
	"fmt"
	"image"
	imagedraw "image/draw"
	"image/jpeg"
	"net/url"
	"slices"
	"strings"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/library"
)

// A sheet has a row for every twelve minutes, and five rows for an hour.
const (
	columns = 12
	rows    = 5
	tiles   = columns * rows

	minute90k = 60 * moonfirefs.UnitsPerSecond
)

// Sheets makes what the mount shows.
type Sheets struct {
	Database *Database
	// Recordings lists what a file is made of, in the order of time.
	Recordings func(ctx context.Context, s *library.Stream, v *library.Version) ([]moonfirefs.Summary, error)
	// Cache remembers sheets, as far as there is memory: to make one takes as long as to decode
	// its pictures.
	Cache *library.Cache
}

// sheetKey is under which a sheet is remembered.
type sheetKey struct {
	stream moonfirefs.StreamID
	// inode is that of the version of the file.
	inode uint64
}

// madeSheet is a sheet and the recordings whose pictures it was made of. It is immutable.
type madeSheet struct {
	pictured []moonfirefs.RecordingID
	jpeg     []byte
}

// MemoryBytes implements library.Cached.
func (s *madeSheet) MemoryBytes() int64 { return int64(cap(s.jpeg)) + 8*int64(cap(s.pictured)) }

// tile is one minute of a file.
type tile struct {
	// start90k is when the minute begins.
	start90k moonfirefs.Time90k
	// jpeg is nil where there is no picture.
	jpeg []byte
}

// tiles are those of a file of an hour: the picture of a minute is that of the first
// recording that begins in it, or of the one that goes on until then. It returns an error
// that wraps moonfirefs.ErrNotFound where there is no picture at all, or for what is longer
// than an hour.
func (s *Sheets) tiles(ctx context.Context, stream *library.Stream, v *library.Version) ([]tile, []moonfirefs.Summary, error) {
	if v.Interval.Duration90k() > tiles*minute90k {
		return nil, nil, fmt.Errorf("previews of more than an hour: %w", moonfirefs.ErrNotFound)
	}
	recordings, err := s.Recordings(ctx, stream, v)
	if err != nil {
		return nil, nil, err
	}
	pictures, err := s.Database.pictures(ctx, stream.ID, v.Interval)
	if err != nil {
		return nil, nil, err
	}
	all, some := make([]tile, (v.Interval.Duration90k()+minute90k-1)/minute90k), false
	for i := range all {
		t := &all[i]
		t.start90k = v.Interval.Start90k.Add(moonfirefs.Duration90k(i) * minute90k)
		t.jpeg = pictureAt(t.start90k, recordings, pictures)
		some = some || t.jpeg != nil
	}
	if !some {
		return nil, nil, fmt.Errorf("previews: %w", moonfirefs.ErrNotFound)
	}
	return all, recordings, nil
}

func pictureAt(minute moonfirefs.Time90k, recordings []moonfirefs.Summary, pictures map[moonfirefs.RecordingID][]byte) (before []byte) {
	for i := range recordings {
		r := &recordings[i]
		jpeg := pictures[r.ID]
		switch {
		case r.Start90k >= minute.Add(minute90k):
			return before
		case jpeg == nil:
		case r.Start90k >= minute:
			return jpeg
		case r.End90k() > minute:
			before = jpeg
		}
	}
	return before
}

// Sheet returns the JPEG of a file's minutes: the minute of a tile follows from its place,
// from left to right and from top to bottom. What has no picture is black. What it returns must
// not be changed.
func (s *Sheets) Sheet(ctx context.Context, stream *library.Stream, v *library.Version) ([]byte, error) {
	pictured, err := s.Database.pictured(ctx, stream.ID, v.Interval)
	if err != nil {
		return nil, err
	}
	key := sheetKey{stream.ID, v.Inode}
	if known, ok := s.Cache.Get(key); ok && slices.Equal(known.(*madeSheet).pictured, pictured) {
		return known.(*madeSheet).jpeg, nil
	}
	all, _, err := s.tiles(ctx, stream, v)
	if err != nil {
		return nil, err
	}
	sheet, err := draw(all)
	if err == nil {
		// Pictures that have come meanwhile make another sheet next time.
		s.Cache.Put(key, &madeSheet{pictured, sheet})
	}
	return sheet, err
}

// draw puts pictures side by side.
func draw(all []tile) ([]byte, error) {
	sheet := image.NewRGBA(image.Rect(0, 0, columns*tileWidth, rows*tileHeight))
	imagedraw.Draw(sheet, sheet.Bounds(), image.Black, image.Point{}, imagedraw.Src)
	for i, t := range all {
		if t.jpeg == nil {
			continue
		}
		picture, err := jpeg.Decode(bytes.NewReader(t.jpeg))
		if err != nil {
			continue // black as well
		}
		box, size := boxOf(i), picture.Bounds().Size()
		at := box.Min.Add(image.Pt((tileWidth-size.X)/2, (tileHeight-size.Y)/2))
		imagedraw.Draw(sheet, image.Rectangle{at, at.Add(size)}.Intersect(box), picture, picture.Bounds().Min, imagedraw.Src)
	}
	var out bytes.Buffer
	err := jpeg.Encode(&out, sheet, &jpeg.Options{Quality: jpegQuality})
	return out.Bytes(), err
}

// boxOf is the place of a tile.
func boxOf(i int) image.Rectangle {
	at := image.Pt(i%columns*tileWidth, i/columns*tileHeight)
	return image.Rectangle{at, at.Add(image.Pt(tileWidth, tileHeight))}
}

// VTT returns the text by which players find the tile of a time (WebVTT, with a media
// fragment for each cue). Its times are those of the file: from its first picture on, as
// long as gaps are held.
func (s *Sheets) VTT(ctx context.Context, stream *library.Stream, v *library.Version) ([]byte, error) {
	all, recordings, err := s.tiles(ctx, stream, v)
	if err != nil {
		return nil, err
	}
	// It is an address: the name of a clip may have characters that mean something else there.
	image := (&url.URL{Path: strings.TrimSuffix(v.Name, ".mp4") + SheetSuffix}).String()
	begin90k, end90k := recordings[0].Start90k, recordings[len(recordings)-1].End90k()
	text := []byte("WEBVTT\n")
	for i, t := range all {
		from, to := max(t.start90k, begin90k), min(t.start90k.Add(minute90k), end90k)
		if t.jpeg == nil || from >= to {
			continue
		}
		box := boxOf(i)
		text = fmt.Appendf(text, "\n%s --> %s\n%s#xywh=%d,%d,%d,%d\n", cueTime(from.Sub(begin90k)), cueTime(to.Sub(begin90k)),
			image, box.Min.X, box.Min.Y, tileWidth, tileHeight)
	}
	return text, nil
}

func cueTime(d moonfirefs.Duration90k) string {
	ms := d.Duration().Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}
