// SPDX-License-Identifier: GPL-3.0-or-later

// Package hold is about what a reader goes on reading although retention deletes it. Of
// each recording that a reader has open, the index and a sample directory keep what
// deletion would take away: a video index, an open file. A Set knows who holds what, and
// has what is kept for them; where that comes from is the caller's business.
package hold
