// SPDX-License-Identifier: GPL-3.0-or-later

package civil_test

import (
	"fmt"
	"log"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// On the first Sunday of November, clocks in New York show one o'clock twice.
func ExampleCalendar_Hours() {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		log.Fatal(err)
	}
	c := civil.Calendar{Zone: zone}
	hours := c.Hours(civil.Date{Year: 2026, Month: 11, Day: 1})
	for _, h := range hours[:4] {
		fmt.Printf("%02d o'clock at %s: %s to %s\n", h.Clock, civil.FormatOffset(int(h.OffsetSeconds)),
			h.Start90k.Time().Format(time.TimeOnly), h.End90k.Time().Format("15:04:05 MST"))
	}
	fmt.Println(len(hours), "hours")
	// Output:
	// 00 o'clock at -0400: 04:00:00 to 05:00:00 UTC
	// 01 o'clock at -0400: 05:00:00 to 06:00:00 UTC
	// 01 o'clock at -0500: 06:00:00 to 07:00:00 UTC
	// 02 o'clock at -0500: 07:00:00 to 08:00:00 UTC
	// 25 hours
}

// The hour that contains an instant, and the hours of Lord Howe Island, where clocks go
// back by half an hour.
func ExampleCalendar_HourAt() {
	zone, err := time.LoadLocation("Australia/Lord_Howe")
	if err != nil {
		log.Fatal(err)
	}
	c := civil.Calendar{Zone: zone}
	t := moonfirefs.FromTime(time.Date(2026, 4, 4, 15, 10, 0, 0, time.UTC))
	h := c.HourAt(t)
	fmt.Println(h.Date, c.Format(t, "15:04:05 -07:00"), h.Duration90k())
	// Output:
	// 2026-04-05 01:40:00 +10:30 30m0s
}

func ExampleCalendar_ParseInterval() {
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		log.Fatal(err)
	}
	c := civil.Calendar{Zone: zone}
	now := time.Date(2026, 11, 22, 15, 30, 0, 0, zone)
	i, err := c.ParseInterval("yesterday 23:50", "+20m", now)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Format(i.Start90k, time.DateTime), "to", c.Format(i.End90k, time.DateTime))
	_, err = c.ParseInterval("2026-10-25 02:30", "now", now)
	fmt.Println(err)
	// Output:
	// 2026-11-21 23:50:00 to 2026-11-22 00:10:00
	// 2026-10-25 02:30:00 occurred twice in Europe/Zurich; write 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00
}
