// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"image"
	"image/color"
	"testing"
)

// picture paints frame n and returns it as an image.
func picture(t *testing.T, p Params, n int) *image.YCbCr {
	t.Helper()
	p, err := p.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	planes := newPainter(p).paint(n, "2026-11-22 13:35:20.000")
	luma := p.Width * p.Height
	return &image.YCbCr{
		Y: planes[:luma], Cb: planes[luma : luma*5/4], Cr: planes[luma*5/4:],
		YStride: p.Width, CStride: p.Width / 2,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, p.Width, p.Height),
	}
}

// scaled is an image of another size, made of the nearest pixels of picture.
func scaled(picture image.Image, width, height int) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	bounds := picture.Bounds()
	for y := range height {
		for x := range width {
			out.Set(x, y, picture.At(x*bounds.Dx()/width, y*bounds.Dy()/height))
		}
	}
	return out
}

func TestReadCounter(t *testing.T) {
	sizes := []Params{{}, {Width: 128, Height: 64}, {Width: 1280, Height: 720}, {Width: 322, Height: 182}}
	for _, p := range sizes {
		for _, n := range []int{0, 1, 2, 255, 256, 12345, CounterModulus - 1} {
			picture := picture(t, p, n)
			if got, ok := ReadCounter(picture); !ok || got != n {
				t.Errorf("%d×%d: got %d, %v, want %d", p.Width, p.Height, got, ok, n)
			}
			if got, ok := ReadCounter(scaled(picture, 200, 113)); !ok || got != n {
				t.Errorf("%d×%d, scaled: got %d, %v, want %d", p.Width, p.Height, got, ok, n)
			}
		}
	}
}

func TestReadCounterSaysWhenThereIsNone(t *testing.T) {
	for name, colour := range map[string]color.Gray{"black": {Y: 0}, "grey": {Y: 127}, "white": {Y: 255}} {
		picture := image.NewGray(image.Rect(0, 0, 320, 180))
		for i := range picture.Pix {
			picture.Pix[i] = colour.Y
		}
		if n, ok := ReadCounter(picture); ok {
			t.Errorf("%s picture: got %d", name, n)
		}
	}
	if _, ok := ReadCounter(image.NewGray(image.Rect(0, 0, 3, 3))); ok {
		t.Error("a picture of 3×3 pixels has a counter")
	}
}
