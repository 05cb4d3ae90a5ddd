// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"fmt"
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// Params say what the pictures of a source are. The zero value of each field
// means the default that is given with it.
type Params struct {
	Width, Height int   // in pixels, even, at least 128×64; 320×180
	FPS           int   // frames per second; 15
	GOP           int   // frames from one key frame to the next; one second
	BitrateKbps   int   // 300
	Codec         Codec // H264
	// BFrames is how many frames in a row are sent after one that is shown after
	// them; none. In clips only.
	BFrames int
	// OpenGOP lets frames that are shown before a key frame be sent after it. The
	// first key frame is an IDR picture, the others CRA pictures: H.265 only.
	OpenGOP bool
	// IntraRefresh has no key frame but the first one. Every GOP pictures there is a
	// recovery point. H.264 only.
	IntraRefresh bool
}

func (p Params) withDefaults() (Params, error) {
	if p.Width == 0 && p.Height == 0 {
		p.Width, p.Height = 320, 180
	}
	if p.FPS == 0 {
		p.FPS = 15
	}
	if p.GOP == 0 {
		p.GOP = p.FPS
	}
	if p.BitrateKbps == 0 {
		p.BitrateKbps = 300
	}
	if p.Codec == "" {
		p.Codec = H264
	}
	if p.Width < 128 || p.Height < 64 || p.Width%2 != 0 || p.Height%2 != 0 {
		return p, fmt.Errorf("test camera: cannot draw pictures of %d×%d pixels", p.Width, p.Height)
	}
	if p.BFrames < 0 || p.BFrames > 0 && p.Codec != H264 && p.Codec != H265 || p.OpenGOP && (p.Codec != H265 || p.BFrames == 0) {
		return p, fmt.Errorf("test camera: cannot reorder %+v", p)
	}
	if p.IntraRefresh && (p.BFrames > 0 || p.Codec != H264) {
		return p, fmt.Errorf("test camera: cannot refresh %+v", p)
	}
	if p.FPS < 1 || p.GOP < 1 || p.BitrateKbps < 1 || !slices.Contains([]Codec{H264, H265, AV1, MJPEG}, p.Codec) {
		return p, fmt.Errorf("test camera: cannot encode %+v", p)
	}
	return p, nil
}

// pts90k is the time stamp of frame n.
func (p Params) pts90k(n int64) int64 { return n * moonfirefs.UnitsPerSecond / int64(p.FPS) }

// elapsed is when frame n is due after frame 0.
func (p Params) elapsed(n int64) time.Duration {
	return time.Duration(n) * time.Second / time.Duration(p.FPS)
}
