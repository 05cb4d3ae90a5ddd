// SPDX-License-Identifier: GPL-3.0-or-later

// Package growing is a model of many recorders: what they write, keep on disks and in an
// object store, what is read of it, and what that costs. docs/growing.md has its tables, and
// a test compares them.
//
// Every constant says where it was measured, or that it is a price or a choice. The model goes
// through a year day by day, so that what fills up is seen to fill up.
package growing
