// SPDX-License-Identifier: GPL-3.0-or-later

// Package histogram counts durations by size, for metrics: without locks and
// without memory of its own for each, so that it can stand beside an fsync or a
// transaction. What becomes of the counts is the business of package metrics.
package histogram
