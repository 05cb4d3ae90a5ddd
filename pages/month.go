// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"fmt"
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// calendarView has a sheet for each month that has footage.
type calendarView struct {
	// Months are the newest ones, newest first; the older ones are in Years, likewise.
	Months []monthView
	Years  []yearView
}

// yearView is a year that is folded away. Its sheets say less, since there may be many.
type yearView struct {
	Year int32
	// Recorded is how much of it there is.
	Recorded string
	Months   []monthView
}

// monthView is a sheet of the calendar.
type monthView struct {
	first civil.Date
	Name  string
	Weeks [][7]cellView // Monday to Sunday
}

// cellView is a day on the sheet. Day is 0 outside of the month; Date is empty if
// there is no footage.
type cellView struct {
	Day int
	// Link leads to the day, further down or on a page of its own.
	Date, Link, Text string
	// Level is 1 to 4: how much of the day was recorded.
	Level int
}

// months makes sheets of those months that have footage, newest first.
func (r renderer) months(s *streamSummary) []monthView {
	var sheets []monthView
	var sheet *monthView
	var shown civil.Date // first of the month
	for i, date := range slices.Backward(s.dates) {
		first := civil.Date{Year: date.date.Year, Month: date.date.Month, Day: 1}
		if sheet == nil || first != shown {
			sheets = append(sheets, newMonth(first))
			sheet, shown = &sheets[len(sheets)-1], first
		}
		week, day := place(date.date)
		sheet.Weeks[week][day] = cellView{
			Day: int(date.date.Day), Date: date.date.String(), Link: s.linkTo(i), Level: s.days[date.date].level(),
			Text: fmt.Sprintf("%s: %s recorded", date.date, durationText(date.duration90k)),
		}
	}
	return sheets
}

// openMonths is how many sheets of the calendar are not folded away.
const openMonths = 12

func (r renderer) calendar(s *streamSummary) calendarView {
	months := r.months(s)
	open := min(openMonths, len(months))
	view := calendarView{Months: months[:open]}
	for _, m := range months[open:] {
		if n := len(view.Years); n == 0 || view.Years[n-1].Year != m.first.Year {
			view.Years = append(view.Years, yearView{Year: m.first.Year})
		}
		year := &view.Years[len(view.Years)-1]
		year.Months = append(year.Months, m)
	}
	for i := range view.Years {
		year := &view.Years[i]
		var duration90k moonfirefs.Duration90k
		for _, date := range s.dates {
			if slices.ContainsFunc(year.Months, func(m monthView) bool { return m.has(date.date) }) {
				duration90k += date.duration90k
			}
		}
		year.Recorded = durationText(duration90k)
	}
	return view
}

// linkTo leads to the details of a date, or to its page.
func (s *streamSummary) linkTo(i int) string {
	date := s.dates[i].date.String()
	if i >= len(s.dates)-detailedDates {
		return "#" + date
	}
	return date + "/index.html"
}

func (m *monthView) has(d civil.Date) bool { return d.Year == m.first.Year && d.Month == m.first.Month }

func newMonth(first civil.Date) monthView {
	m := monthView{first: first, Name: fmt.Sprintf("%s %d", time.Month(first.Month), first.Year)}
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
