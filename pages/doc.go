// SPDX-License-Identifier: GPL-3.0-or-later

// Package pages makes the pages that tell people and programs what there is: index.html
// and index.json of the root and of each stream, and status.json.
//
// A page is made when its name is looked up, since its exact size must be known then, and
// again when what it tells of has changed. A Page is one version of it, with an inode
// number of its own that stands for every byte.
//
// What a page tells of a stream is a summary (summary.go). An updater makes it from the
// one before, so that after a commit no more than the dates that have changed are read.
// From summaries, html.go and json.go make the pages. There is no "now" in them: pages
// depend on the index and the zone alone, but for what the recorder reports of itself.
//
// Which files there are, and what is hidden, is not decided here but by package library.
package pages
