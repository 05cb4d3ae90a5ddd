// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/moonfirefs/moonfirefs/internal/printable"
)

// table is text in columns.
type table struct{ w *tabwriter.Writer }

func newTable(out io.Writer) table {
	return table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
}

// row adds a line. What is in the cells is shown as printable.Text does: much of it was
// chosen by others.
func (t table) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = printable.Text(fmt.Sprint(cell))
	}
	t.line(strings.Join(texts, "\t"))
}

// line adds a line of our own text, with tabs between cells.
func (t table) line(text string) {
	_, _ = fmt.Fprintln(t.w, text) // flush reports
}

func (t table) flush() error { return t.w.Flush() }
