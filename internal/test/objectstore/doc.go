// SPDX-License-Identifier: GPL-3.0-or-later

// Package objectstore is an object store for tests, in the process of the test, and a proxy
// before it, or before another one, that fails on command.
package objectstore
