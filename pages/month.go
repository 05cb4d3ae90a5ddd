// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"fmt"
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// monthView is a sheet of the calendar.
type monthView struct {
	Name  string
	Weeks [][7]cellView // Monday to Sunday
}

// cellView is a day on the sheet. Day is 0 outside of the month; Date is empty if
// there is no footage.
type cellView struct {
	Day        int
	Date, Text string
	// Level is 1 to 4: how much of the day was recorded.
	Level int
}

// months makes sheets of those months that have footage, newest first.
func (r renderer) months(s *streamSummary) []monthView {
	var sheets []monthView
	var sheet *monthView
	var shown civil.Date // first of the month
	for _, date := range slices.Backward(s.dates) {
		first := civil.Date{Year: date.date.Year, Month: date.date.Month, Day: 1}
		if sheet == nil || first != shown {
			sheets = append(sheets, newMonth(first))
			sheet, shown = &sheets[len(sheets)-1], first
		}
		week, day := place(date.date)
		sheet.Weeks[week][day] = cellView{
			Day: int(date.date.Day), Date: date.date.String(), Level: s.days[date.date].level(),
			Text: fmt.Sprintf("%s: %s recorded", date.date, durationText(date.duration90k)),
		}
	}
	return sheets
}

func newMonth(first civil.Date) monthView {
	m := monthView{Name: fmt.Sprintf("%s %d", time.Month(first.Month), first.Year)}
	for d := first; d.Month == first.Month; d = civil.DateOf(d.MidnightUTC().AddDate(0, 0, 1)) {
		week, day := place(d)
		for len(m.Weeks) <= week {
			m.Weeks = append(m.Weeks, [7]cellView{})
		}
		m.Weeks[week][day].Day = int(d.Day)
	}
	return m
}

// place returns the row and the column of a date on its sheet.
func place(d civil.Date) (week, day int) {
	first := civil.Date{Year: d.Year, Month: d.Month, Day: 1}
	column := func(d civil.Date) int { return (int(d.MidnightUTC().Weekday()-time.Monday) + 7) % 7 }
	return (column(first) + int(d.Day) - 1) / 7, column(d)
}
