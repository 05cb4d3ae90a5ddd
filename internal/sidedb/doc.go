// SPDX-License-Identifier: GPL-3.0-or-later

// Package sidedb opens the databases that optional rooms have beside the index: small ones,
// of one store, each with a schema and a version of its own. What is in them is the room's
// business. Losing one must cost no footage.
package sidedb
