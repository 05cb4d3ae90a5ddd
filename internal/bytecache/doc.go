// SPDX-License-Identifier: GPL-3.0-or-later

// Package bytecache keeps values in memory, up to a number of bytes. It alone imports
// golang-lru, which counts entries and not bytes.
//
// A cache holds values that can be made again: it may forget any of them at any time.
// Values are shared by all who get them, so nobody may change them.
//
// What the values are, and when one is no longer true, does not belong here.
package bytecache
