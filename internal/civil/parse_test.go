// SPDX-License-Identifier: GPL-3.0-or-later

package civil

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// Ensures that all forms mean what the help says.
func TestParseInterval(t *testing.T) {
	c := calendarOf(t, newYork)
	now := time.Date(2026, 11, 22, 15, 30, 10, 500, c.Zone)
	for text, want := range map[[2]string][2]string{
		{"2026-11-22 13:05", "13:07:30"}:                          {"2026-11-22T13:05:00-05:00", "2026-11-22T13:07:30-05:00"},
		{"2026-11-21T13:05:00", "14:00"}:                          {"2026-11-21T13:05:00-05:00", "2026-11-21T14:00:00-05:00"},
		{"2026-11-22T13.05.00", "2026-11-23T00.10.00"}:            {"2026-11-22T13:05:00-05:00", "2026-11-23T00:10:00-05:00"},
		{"9:05", "now"}:                                           {"2026-11-22T09:05:00-05:00", "2026-11-22T15:30:10-05:00"},
		{"-10m", "now"}:                                           {"2026-11-22T15:20:10-05:00", "2026-11-22T15:30:10-05:00"},
		{"now-1h30m", "-1h"}:                                      {"2026-11-22T14:00:10-05:00", "2026-11-22T14:30:10-05:00"},
		{"-1.5d", "+90s"}:                                         {"2026-11-21T03:30:10-05:00", "2026-11-21T03:31:40-05:00"},
		{"yesterday 23:50", "today 00:10"}:                        {"2026-11-21T23:50:00-05:00", "2026-11-22T00:10:00-05:00"},
		{"2026-11-21", "2026-11-22"}:                              {"2026-11-21T00:00:00-05:00", "2026-11-22T00:00:00-05:00"},
		{"2026-11-22T18:05:00Z", "2026-11-22T19:10:00+01:00"}:     {"2026-11-22T13:05:00-05:00", "2026-11-22T13:10:00-05:00"},
		{"2026-11-01T01:55:00-04:00", "2026-11-01T01:05:00-0500"}: {"2026-11-01T01:55:00-04:00", "2026-11-01T01:05:00-05:00"},
		{" 2026-11-22  13:05 -0500 ", "13:06 Z"}:                  {"", "is not after"},
		{"13:05", "12:00"}:                                        {"", "is not after"},
		{"2026-11-01 01:30", "02:30"}:                             {"", "2026-11-01T01:30:00-04:00 or 2026-11-01T01:30:00-05:00"},
		{"2026-03-08 02:30", "03:30"}:                             {"", "clocks went forward"},
		{"+5m", "now"}:                                            {"", "cannot be the start itself"},
		{"2026-02-30 13:05", "now"}:                               {"", "no such date"},
		{"24:00", "now"}:                                          {"", "no such time of day"},
		{"", "now"}:                                               {"", "not a valid time"},
		{"soon", "now"}:                                           {"", "not a valid time"},
		{"-10", "now"}:                                            {"", "not a valid time"},
		{"-99999999999999999999h", "now"}:                         {"", "invalid"},
		{"2026-11-22T13:05:00.5", "2026-11-22T13:05:01"}:          {"2026-11-22T13:05:00-05:00", "2026-11-22T13:05:01-05:00"},
		{"2026-03-08 01:59:59", "2026-03-08 03:00"}:               {"2026-03-08T01:59:59-05:00", "2026-03-08T03:00:00-04:00"},
	} {
		i, err := c.ParseInterval(text[0], text[1], now)
		if want[0] == "" {
			if !errors.Is(err, moonfirefs.ErrInvalid) || !strings.Contains(err.Error(), want[1]) {
				t.Errorf("%q: got %v, want an error with %q", text, err, want[1])
			}
			continue
		}
		got := [2]string{c.Format(i.Start90k, time.RFC3339), c.Format(i.End90k, time.RFC3339)}
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
}

// Where a date was skipped, none of its times is taken for another.
func TestSkippedDate(t *testing.T) {
	c := calendarOf(t, "Pacific/Apia")
	if _, err := c.ParseInterval("2011-12-30 12:00", "+1h", time.Now()); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if _, err := c.ParseInterval("2011-12-31 12:00", "+1h", time.Now()); err != nil {
		t.Error(err)
	}
}
