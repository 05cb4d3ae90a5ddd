// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// cameraName is the name of the one camera in stores that are read.
const cameraName = "driveway"

// hourStart is when the first of the hours begins that are read.
var hourStart = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// newHours makes a store with whole hours at 30 frames a second, 108 000 in each,
// that decode and have so many bytes together.
func (b *bench) newHours(ctx context.Context, name string, hours int, bytes int64) (path string, err error) {
	media, err := b.media(ctx)
	if err != nil {
		return "", err
	}
	media = padded(media, int(bytes)/hours/(3600*media.Params.FPS))
	path = b.path(name)
	if err := teststore.Create(ctx, path, "UTC", teststore.Camera{Name: cameraName, RetainBytes: 1 << 60}); err != nil {
		return "", err
	}
	s, err := teststore.Open(ctx, path)
	if err != nil {
		return "", err
	}
	for i := range hours * 60 {
		// One at a time, since each is in memory at once.
		err := s.Record(ctx, teststore.Take{
			Folder: cameraName, Start: moonfirefs.FromTime(hourStart.Add(time.Duration(i) * time.Minute)), Recordings: 1, Seconds: 60, Media: media,
		})
		if err != nil {
			return "", errors.Join(err, s.Close())
		}
	}
	return path, s.Close()
}

// media is a minute of 30 frames a second, encoded once.
func (b *bench) media(ctx context.Context) (*teststore.Media, error) {
	if b.encoded != nil {
		return b.encoded, nil
	}
	var err error
	b.encoded, err = teststore.Encode(ctx, teststore.Params{Codec: teststore.H264, Width: 320, Height: 192, FPS: 30, Seconds: 60})
	return b.encoded, err
}

// padded has larger samples, by filler data, which decoders pass over (ITU-T H.264
// §7.3.2.7).
func padded(media *teststore.Media, sampleBytes int) *teststore.Media {
	larger := &teststore.Media{Params: media.Params, Entry: media.Entry, Samples: slices.Clone(media.Samples)}
	for i := range larger.Samples {
		s := &larger.Samples[i]
		fill := sampleBytes - len(s.Data) - 6
		if fill <= 0 {
			continue
		}
		data := binary.BigEndian.AppendUint32(bytes.Clone(s.Data), uint32(fill+2))
		data = append(data, 0x0c) // NAL unit type 12
		data = append(data, bytes.Repeat([]byte{0xff}, fill)...)
		data = append(data, 0x80) // stop bit
		s.Data = data
	}
	return larger
}

// hourName is the name of an hour in the mount.
func hourName(hour int) string {
	return filepath.Join(cameraName, hourStart.Add(time.Duration(hour)*time.Hour).Format("2006-01-02/15")+".mp4")
}
