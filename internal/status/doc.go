// SPDX-License-Identifier: GPL-3.0-or-later

// Package status says how a recorder is doing, in plain values and in words.
//
// A Report is what the recorder's socket answers, what status.json in the mount
// holds, and what the page and the commands show. Problems are what is wrong, each
// in a sentence for a person; Find derives them from the other values, so that all
// who show a Report agree on it.
//
// How a Report comes about is the business of package monitor. Nothing here does
// I/O, knows a recorder, or has a field for a URL or a password.
package status
