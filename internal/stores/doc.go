// SPDX-License-Identifier: GPL-3.0-or-later

// Package stores keeps several stores open at once, for a mount that shows them as one
// tree. A store that is damaged, gone or silent costs nothing but itself, and is opened
// again as soon as it can be.
//
// What a store is shown as is not decided here, nor how it is mounted (package fs).
package stores
