// SPDX-License-Identifier: GPL-3.0-or-later

// Package durable makes files that are there whole or not at all, whatever happens
// meanwhile, and that stay once they are there: a power cut afterwards takes nothing
// away. What is written into a file, and how, is the caller's business.
package durable
