// SPDX-License-Identifier: GPL-3.0-or-later

//go:build race

package recorder

const raceEnabled = true
