// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"fmt"
	"math"
)

// yuv is a colour in limited-range Y'CbCr (ITU-R BT.601).
type yuv struct{ y, u, v byte }

var (
	white = yuv{235, 128, 128}
	black = yuv{16, 128, 128}
)

// bars are the colours of the background.
var bars = []yuv{{180, 128, 128}, {162, 44, 142}, {131, 156, 44}, {112, 72, 58}, {84, 184, 198}, {65, 100, 212}, {35, 212, 114}}

// painter draws the pictures of a source, planar YUV 4:2:0.
type painter struct {
	width, height int
	background    []byte
	picture       []byte
}

func newPainter(p Params) *painter {
	pt := &painter{width: p.Width, height: p.Height, picture: make([]byte, p.Width*p.Height*3/2)}
	for i, colour := range bars {
		left, right := i*p.Width/len(bars), (i+1)*p.Width/len(bars)
		pt.fill(left, 0, right-left, p.Height, colour)
	}
	pt.background = append([]byte(nil), pt.picture...)
	return pt
}

// paint draws frame n and returns its bytes, which the next paint overwrites.
func (pt *painter) paint(n int, clock string) []byte {
	copy(pt.picture, pt.background)
	pt.square(n)
	scale := max(1, pt.height/90)
	pt.text(scale, fmt.Sprintf("#%06d", n), 0)
	pt.text(scale, clock, 1)
	pt.strip(stripPattern(n))
	return pt.picture
}

// square draws a white square on a path that visits the whole picture.
func (pt *painter) square(n int) {
	size := pt.height / 6
	x := float64(pt.width-size) * (1 + math.Sin(float64(n)*0.05)) / 2
	y := float64(pt.height-size) * (1 + math.Sin(float64(n)*0.07)) / 2
	pt.fill(int(x), int(y), size, size, white)
}

// text writes a line, white on black, at the left edge.
func (pt *painter) text(scale int, text string, line int) {
	const padding = 2
	lineHeight := (glyphHeight + 2*padding) * scale
	top := line * lineHeight
	pt.fill(0, top, (len(text)*(glyphWidth+1)+2*padding)*scale, lineHeight, black)
	for i, character := range text {
		for row, pixels := range font[character] {
			for column := range glyphWidth {
				if pixels>>(glyphWidth-1-column)&1 == 1 {
					x := (padding + i*(glyphWidth+1) + column) * scale
					pt.fill(x, top+(padding+row)*scale, scale, scale, white)
				}
			}
		}
	}
}

// strip draws the blocks that ReadCounter reads.
func (pt *painter) strip(pattern uint32) {
	height := pt.height / stripFraction
	for block := range counterBlocks {
		colour := black
		if pattern>>(counterBlocks-1-block)&1 == 1 {
			colour = white
		}
		left, right := block*pt.width/counterBlocks, (block+1)*pt.width/counterBlocks
		pt.fill(left, pt.height-height, right-left, height, colour)
	}
}

// fill paints a rectangle, as far as it lies in the picture.
func (pt *painter) fill(x, y, width, height int, colour yuv) {
	right, bottom := min(x+width, pt.width), min(y+height, pt.height)
	for row := y; row < bottom; row++ {
		fillBytes(pt.picture[row*pt.width:], x, right, colour.y)
	}
	chromaWidth := pt.width / 2
	u := pt.picture[pt.width*pt.height:]
	v := u[chromaWidth*pt.height/2:]
	for row := y / 2; row < bottom/2; row++ {
		fillBytes(u[row*chromaWidth:], x/2, right/2, colour.u)
		fillBytes(v[row*chromaWidth:], x/2, right/2, colour.v)
	}
}

func fillBytes(b []byte, from, to int, value byte) {
	for i := from; i < to; i++ {
		b[i] = value
	}
}
