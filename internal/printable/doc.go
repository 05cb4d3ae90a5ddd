// SPDX-License-Identifier: GPL-3.0-or-later

// Package printable shows text that others have chosen: names and descriptions out of an
// index, which may be somebody else's, what cameras and the network say, file names and
// paths. A terminal obeys control characters, a line break begins a line that somebody
// takes for ours, and marks of direction let a name look like another.
//
// It is used where text is shown: in lists, pages, JSON, and the words of a status. What
// is stored, compared or opened stays as it is. The log needs none of it: slog quotes.
package printable
