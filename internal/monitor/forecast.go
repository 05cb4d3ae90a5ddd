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

// share is the footage of a stream in one directory.
type share struct {
	*status.Stream
	usedBytes, retainBytes int64
	// comesBytes is how much there will be beyond that, once the quota is used up or the
	// footage is as old as it may become here.
	comesBytes int64
	// isLast says that footage moves nowhere from here.
	isLast bool
}

// sharesOf are those of all streams in a directory.
func sharesOf(r *status.Report, directory string) (shares []share) {
	for i := range r.Streams {
		s := &r.Streams[i]
		first := share{s, s.UnmovedBytes(), s.RetainBytes, comingBytes(s, s.RetainBytes, s.UnmovedBytes(), s.RetainSeconds), s.Tier == nil}
		if t := s.Tier; t != nil {
			if t.Directory == directory {
				shares = append(shares, share{s, t.SampleFileBytes, t.RetainBytes, comingBytes(s, t.RetainBytes, t.SampleFileBytes, s.RetainSeconds), true})
			}
			if t.Error == "" && (s.RetainSeconds == 0 || t.AfterSeconds < s.RetainSeconds) {
				first.comesBytes = comingBytes(s, s.RetainBytes, first.usedBytes, max(t.AfterSeconds, 1))
			}
		}
		if s.Directory == directory {
			shares = append(shares, first)
		}
	}
	return shares
}

// forecast fills in when quotas and disks will be full, if footage comes in as it
// did so far.
func forecast(r *status.Report) {
	for i := range r.Directories {
		d := &r.Directories[i]
		forecastDirectory(d, sharesOf(r, d.Path))
	}
}

// forecastDirectory is about the footage of a directory.
func forecastDirectory(d *status.Directory, shares []share) {
	room := max(d.AvailableBytes-reserveBytes, 0)
	var missing int64
	var bytesPerDay float64
	early := false // for a forecast: a stream is recorded that has too little footage
	for _, s := range shares {
		d.UsedBytes += s.usedBytes
		if s.Retired {
			continue // it gets no more
		}
		d.QuotaBytes += s.retainBytes
		missing += s.comesBytes
		if s.RecordedSeconds < forecastAfterSeconds && !s.RetentionReached {
			early = early || s.RecordedSeconds > 0
			continue
		}
		perDay := s.BytesPerSecond() * secondsPerDay
		if perDay <= 0 || s.RetentionReached {
			continue
		}
		bytesPerDay += perDay
		if s.isLast {
			s.DaysUntilFull = ptr(float64(s.comesBytes) / perDay)
		}
	}
	if d.Missing || d.SizeBytes == 0 || missing <= room || bytesPerDay == 0 || early {
		return
	}
	d.DaysUntilFull = ptr(float64(room) / bytesPerDay)
	for _, s := range shares {
		if s.DaysUntilFull != nil {
			*s.DaysUntilFull = min(*s.DaysUntilFull, *d.DaysUntilFull)
		}
	}
}

// comingBytes is how much a stream will have beyond what it has, once a quota is used up or
// its footage is as old as it may become; 0 means that there is no limit in time.
func comingBytes(s *status.Stream, retainBytes, usedBytes int64, retainSeconds float64) int64 {
	most := float64(retainBytes)
	if perSecond := s.BytesPerSecond(); retainSeconds > 0 && perSecond > 0 {
		most = min(most, retainSeconds*perSecond)
	}
	return max(int64(most)-usedBytes, 0)
}

const secondsPerDay = float64(24 * time.Hour / time.Second)

func ptr[T any](v T) *T { return &v }
