// SPDX-License-Identifier: GPL-3.0-or-later

// Package check finds out whether a store keeps its promises: the invariants of
// design/lifecycle.md, the integrity of the database, and that each recording's
// row, video index and sample file agree.
//
// Check reads and never changes anything. It works beside a running recorder,
// while rows and files appear and disappear: what looks wrong is looked at again,
// in an order that proves it (see suspects.go), before it becomes a Finding.
//
// What can be done about a Finding is told in its Remedy; doing it is the business
// of package repair, and only when a person says so.
package check
