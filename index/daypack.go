// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// maxPackedDayBytes bounds the packed form of a day: some hundred thousand stretches. What
// is longer is not packed.
const maxPackedDayBytes = 1 << 20

// packStretches returns the packed form of the stretches of a day.
func packStretches(day moonfirefs.Interval, stretches []moonfirefs.Stretch) (packed []byte) {
	return moonfirefs.PackStretches(day.Start90k, stretches)
}

// unpackStretches is the inverse of packStretches. It returns an error that wraps
// moonfirefs.ErrCorrupt for what that does not make.
func unpackStretches(day moonfirefs.Interval, packed []byte) ([]moonfirefs.Stretch, error) {
	stretches, err := moonfirefs.UnpackStretches(nil, day.Start90k, packed)
	if err != nil {
		return nil, err
	}
	for i := range stretches {
		if s := &stretches[i]; !possibleStretch(day, s) {
			return nil, fmt.Errorf("stretches of %v: one at %v is impossible: %w", day.Start90k, s.Start90k, moonfirefs.ErrCorrupt)
		}
	}
	return stretches, nil
}

// possibleStretch tells whether recordings that start within a day can make a stretch.
func possibleStretch(day moonfirefs.Interval, s *moonfirefs.Stretch) bool {
	return day.Contains(s.Start90k) && s.End90k >= s.Start90k && s.End90k < day.End90k.Add(moonfirefs.MaxRecordingDuration90k) &&
		s.SampleFileBytes > 0 && s.VideoSamples > 0 && s.VideoEntry > 0 && s.AudioEntry >= 0
}
