// SPDX-License-Identifier: GPL-3.0-or-later

// Package civil turns instants into what the clocks of a time zone show, and back.
//
// A Calendar belongs to one zone. It divides time into hours (Hour): longest intervals
// in which the date, the hour on the clock and the offset from UTC stay the same. So
// hours tile time, whatever the clocks do: an hour may be shorter than sixty minutes, a
// clock may show the same hour of a date twice, and a date may be skipped, or be in two
// pieces.
//
// Times as people write them on a command line are read by ParseInterval. A Moment is
// what a clock shows, and Calendar.Instant finds when it shows that.
//
// The names of files that are made of dates and hours belong to package library.
package civil
