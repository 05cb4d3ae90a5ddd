// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"time"

	"github.com/moonfirefs/moonfirefs/internal/status"
)

// forecastAfterSeconds is how much footage a stream must have before anything is said of
// how soon its quota is used up: the first minutes, of which a key frame is a large part,
// or of a night without a movement, say little.
const forecastAfterSeconds = 3600

// reserveBytes is what the recorder leaves free in each file system.
const reserveBytes = 32 << 20

// forecast fills in when quotas and disks will be full, if footage comes in as it
// did so far.
func forecast(r *status.Report) {
	for i := range r.Directories {
		d := &r.Directories[i]
		var streams []*status.Stream
		for j := range r.Streams {
			if r.Streams[j].Directory == d.Path {
				streams = append(streams, &r.Streams[j])
			}
		}
		forecastDirectory(d, streams)
	}
}

// forecastDirectory is about the streams that record to a directory.
func forecastDirectory(d *status.Directory, streams []*status.Stream) {
	room := max(d.AvailableBytes-reserveBytes, 0)
	var missing int64
	var bytesPerDay float64
	early := false // for a forecast: a stream is recorded that has too little footage
	for _, s := range streams {
		d.UsedBytes += s.SampleFileBytes
		if s.Retired {
			continue // it gets no more
		}
		d.QuotaBytes += s.RetainBytes
		comes := comingBytes(s)
		missing += comes
		if s.RecordedSeconds < forecastAfterSeconds && !s.RetentionReached {
			early = early || s.RecordedSeconds > 0
			continue
		}
		if perDay := s.BytesPerSecond() * secondsPerDay; perDay > 0 && !s.RetentionReached {
			bytesPerDay += perDay
			s.DaysUntilFull = ptr(float64(comes) / perDay)
		}
	}
	if d.Missing || d.SizeBytes == 0 || missing <= room || bytesPerDay == 0 || early {
		return
	}
	d.DaysUntilFull = ptr(float64(room) / bytesPerDay)
	for _, s := range streams {
		if s.DaysUntilFull != nil {
			*s.DaysUntilFull = min(*s.DaysUntilFull, *d.DaysUntilFull)
		}
	}
}

// comingBytes is how much a stream will have beyond what it has, once its quota is used up
// or its footage is as old as it may become.
func comingBytes(s *status.Stream) int64 {
	most := float64(s.RetainBytes)
	if perSecond := s.BytesPerSecond(); s.RetainSeconds > 0 && perSecond > 0 {
		most = min(most, s.RetainSeconds*perSecond)
	}
	return max(int64(most)-s.SampleFileBytes, 0)
}

const secondsPerDay = float64(24 * time.Hour / time.Second)

func ptr[T any](v T) *T { return &v }
