// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import "context"

// Source is where a camera has its pictures from: Media or Live.
type Source interface {
	// codec says how its pictures are encoded.
	codec() Codec
	// play delivers access units at the times that they are due, divided by
	// speed, until ctx is cancelled. Their time stamps increase.
	play(ctx context.Context, speed float64, deliver func(AccessUnit)) error
}
