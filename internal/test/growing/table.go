// SPDX-License-Identifier: GPL-3.0-or-later

package growing

import (
	"fmt"
	"strings"
)

// Table writes results as a table of Markdown, a column for each.
func Table(results []Result) string {
	var b strings.Builder
	row := func(name string, cell func(*Result) string) {
		b.WriteString("| " + name + " |")
		for i := range results {
			b.WriteString(" " + cell(&results[i]) + " |")
		}
		b.WriteString("\n")
	}
	row("cameras", func(r *Result) string { return thousands(float64(r.Cameras)) })
	b.WriteString("|---|" + strings.Repeat("---|", len(results)) + "\n")
	row("recorders; disks for samples", func(r *Result) string { return fmt.Sprintf("%d; %d", r.Recorders, r.Disks) })
	row("written, in all", func(r *Result) string { return bytes(r.WriteBytesPerSecond) + "/s" })
	row("fsyncs a second, of a disk", func(r *Result) string { return fmt.Sprintf("%.1f", r.SyncsPerSecond) })
	row("a hard disk's time for them", func(r *Result) string { return fmt.Sprintf("%.1f %%", 100*r.SyncBusy) })
	row("on disks", func(r *Result) string { return bytes(r.DiskBytes) })
	row("in the object store", func(r *Result) string { return bytes(r.ArchiveBytes) })
	row("objects", func(r *Result) string { return thousands(r.Objects/1e6) + " million" })
	row("index, of a recorder", func(r *Result) string { return bytes(r.IndexBytesEach) })
	row("index, of all", func(r *Result) string { return bytes(r.IndexBytes) })
	row("PUT a month", func(r *Result) string { return fmt.Sprintf("%.1f million", r.Puts/1e6) })
	row("GET a month", func(r *Result) string { return fmt.Sprintf("%.3f million", r.Gets/1e6) })
	row("read from the store a month", func(r *Result) string { return bytes(r.EgressBytes) })
	row("pages of the root of all, made anew, time of a processor", func(r *Result) string { return fmt.Sprintf("%.0f s", r.RootSeconds) })
	row("storage, US$ a month", func(r *Result) string { return thousands(r.Cost.Storage) })
	row("requests, US$ a month", func(r *Result) string { return thousands(r.Cost.Requests) })
	row("reading, US$ a month", func(r *Result) string { return thousands(r.Cost.Egress) })
	row("**object store, US$ a month**", func(r *Result) string { return "**" + thousands(r.Cost.Total()) + "**" })
	return b.String()
}

// bytes is a number of bytes in units of thousands, with two digits or more.
func bytes(n float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	unit := 0
	for n >= 1000 && unit < len(units)-1 {
		n /= 1000
		unit++
	}
	if n < 10 {
		return fmt.Sprintf("%.1f %s", n, units[unit])
	}
	return fmt.Sprintf("%.0f %s", n, units[unit])
}

// thousands is a whole number with spaces between its thousands.
func thousands(n float64) string {
	digits := fmt.Sprintf("%.0f", n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}
