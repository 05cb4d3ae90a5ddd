// SPDX-License-Identifier: GPL-3.0-or-later

// Package survey looks at the stream of a camera for a while and says what it is
// like: codec, resolution, rates, groups of pictures, clock, and what about it is
// likely to cause trouble.
//
// Its nouns:
//
//   - Report: what was found. Take makes it.
//   - tally: what is added up frame by frame. It knows nothing of networks.
//
// Nothing is recorded here, and nothing is decided: a report has warnings in
// words, and whoever asked for it draws the conclusions.
package survey
