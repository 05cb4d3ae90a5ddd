package fs

import (
	"fmt"
	"slices"
	"time"
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
func (c calendar) months(a *account) []monthView {
	var sheets []monthView
	var sheet *monthView
	var shown date // first of the month
	for _, record := range slices.Backward(a.records) {
		first := date{record.date.year, record.date.month, 1}
		if sheet == nil || first != shown {
			sheets = append(sheets, newMonth(first))
			sheet, shown = &sheets[len(sheets)-1], first
		}
		week, day := place(record.date)
		sheet.Weeks[week][day] = cellView{
			Day: int(record.date.day), Date: record.date.String(), Level: a.days[record.date].level(),
			Text: fmt.Sprintf("%s: %s recorded", record.date, durationText(record.duration90k)),
		}
	}
	return sheets
}

func newMonth(first date) monthView {
	m := monthView{Name: fmt.Sprintf("%s %d", time.Month(first.month), first.year)}
	for d := first; d.month == first.month; d = dateOf(d.midnightUTC().AddDate(0, 0, 1)) {
		week, day := place(d)
		for len(m.Weeks) <= week {
			m.Weeks = append(m.Weeks, [7]cellView{})
		}
		m.Weeks[week][day].Day = int(d.day)
	}
	return m
}

// place returns the row and the column of a date on its sheet.
func place(d date) (week, day int) {
	first := date{d.year, d.month, 1}
	column := func(d date) int { return (int(d.midnightUTC().Weekday()-time.Monday) + 7) % 7 }
	return (column(first) + int(d.day) - 1) / 7, column(d)
}

// level tells how much of the day was recorded.
func (d *dayRecord) level() int {
	percent := 100 * int64(d.duration90k) / int64(d.bounds.end.Sub(d.bounds.start))
	switch {
	case percent >= 99:
		return 4
	case percent >= 50:
		return 3
	case percent >= 10:
		return 2
	}
	return 1
}
