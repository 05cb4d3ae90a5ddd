// SPDX-License-Identifier: GPL-3.0-or-later

// Package metrics offers what the other packages count in the text format of
// Prometheus, at an address of this machine.
//
// The counters belong to the packages that count, as atomics that nobody waits
// for; they are read here, when somebody asks. It is the only package that imports
// Prometheus' client library. The names are documented in docs/status.md.
package metrics
