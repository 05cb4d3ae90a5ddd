// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/recorder"
)

// sizeBounds are the sizes that a flag can have, bounds included, and one that shows how
// it is written.
type sizeBounds struct {
	leastBytes, mostBytes int64
	example               string
}

var (
	quotaBounds = sizeBounds{1, 1 << 62, "500GB"}
	cacheBounds = sizeBounds{1, 1 << 40, "32MiB"}
	// The queue must hold a key frame, at the least a small one.
	queueBounds = sizeBounds{32 << 10, 1 << 40, "32MiB"}
)

// bareNumber matches a size without a unit. That is as good as never what was meant: as a
// quota of bytes, it would have all footage deleted.
var bareNumber = regexp.MustCompile(`^\s*[\d.,]+\s*$`)

// groupedNumber matches a size with commas between groups of three digits.
var groupedNumber = regexp.MustCompile(`^\s*\d{1,3}(,\d{3})+(\.\d+)?\s*[A-Za-z]*\s*$`)

// parseSize reads the value of a flag, such as 500GB or 32MiB.
func parseSize(flag, text string, bounds sizeBounds) (sizeBytes int64, err error) {
	refuse := func(format string, args ...any) (int64, error) {
		return 0, &usageError{fmt.Errorf("%s %s: %s", flag, text, fmt.Sprintf(format, args...))}
	}
	if bareNumber.MatchString(text) {
		return refuse("the unit is missing: one of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB")
	}
	if strings.Contains(text, ",") && !groupedNumber.MatchString(text) { // 1,5TB is 15 TB to the library
		return refuse("a comma can mean two things; write it like 1.5TB or 1500GB")
	}
	n, err := humanize.ParseBytes(text)
	switch {
	case err != nil:
		return refuse("not a size; write it like %s", bounds.example)
	case n < uint64(bounds.leastBytes):
		return refuse("must be at least %s", humanize.IBytes(uint64(bounds.leastBytes)))
	case n > uint64(bounds.mostBytes):
		return refuse("must be at most %s", humanize.IBytes(uint64(bounds.mostBytes)))
	}
	return int64(n), nil
}

// percentForm matches a share such as 40%.
var percentForm = regexp.MustCompile(`^\s*(\d+(?:\.\d+)?)\s*%\s*$`)

// parseShare reads the value of a flag that is a part of a quota: a size, such as 200GB, a
// share, such as 40%, or 0.
func parseShare(flag, text string, quotaBytes int64) (sizeBytes int64, err error) {
	if strings.TrimSpace(text) == "0" {
		return 0, nil
	}
	parts := percentForm.FindStringSubmatch(text)
	if parts == nil {
		return parseSize(flag, text, quotaBounds)
	}
	percent, err := strconv.ParseFloat(parts[1], 64)
	if err != nil || percent > 100 {
		return 0, &usageError{fmt.Errorf("%s %s: not a share of the quota", flag, text)}
	}
	return int64(float64(quotaBytes) * percent / 100), nil
}

// ageForm matches an age such as 72h or 1.5d.
var ageForm = regexp.MustCompile(`^\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*$`)

// ageUnits are the units that an age can have.
var ageUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}

// parseAge reads the value of a flag, such as 72h or 30d; 0 means that there is no limit. A
// day has 24 hours.
func parseAge(flag, text string) (moonfirefs.Duration90k, error) {
	refuse := func(problem string) (moonfirefs.Duration90k, error) {
		return 0, &usageError{fmt.Errorf("%s %s: %s", flag, text, problem)}
	}
	if strings.TrimSpace(text) == "0" {
		return 0, nil
	}
	if bareNumber.MatchString(text) {
		return refuse("the unit is missing: one of s, m, h, d, w")
	}
	parts := ageForm.FindStringSubmatch(text)
	if parts == nil {
		return refuse("not a length of time; write it like 72h or 30d, or 0 for no limit")
	}
	n, err := strconv.ParseFloat(parts[1], 64)
	age := n * float64(ageUnits[parts[2]])
	most := moonfirefs.MaxRetainFor90k.Duration()
	switch {
	case err != nil || age > float64(most):
		return refuse("must be at most a hundred years")
	case age < float64(time.Second):
		return refuse("must be at least 1s, or 0 for no limit")
	}
	return moonfirefs.FromDuration(time.Duration(age)), nil
}

// durationBounds are the durations that a flag can have, bounds included; most is 0 if
// there is no upper one.
type durationBounds struct{ least, most time.Duration }

var (
	// Recordings are cut at key frames, and the recorder makes none longer.
	segmentBounds = durationBounds{leastSegmentEvery, recorder.MaxSegmentEvery}
	// Cameras may send a picture in a second, and what a hook is for takes about as long.
	timeoutBounds = durationBounds{least: time.Second}
	pauseBounds   = durationBounds{least: time.Second}
	// What a clip of an event has besides.
	eventMarginBounds = durationBounds{most: maxEventMargin}
)

func (b durationBounds) check(flag string, d time.Duration) error {
	switch {
	case d < b.least:
		return &usageError{fmt.Errorf("%s %s: must be at least %s", flag, short(d), short(b.least))}
	case b.most > 0 && d > b.most:
		return &usageError{fmt.Errorf("%s %s: must be at most %s", flag, short(d), short(b.most))}
	}
	return nil
}

// short is a duration as somebody would type it: 4m, not 4m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
