// SPDX-License-Identifier: GPL-3.0-or-later

// Command camera plays what the stores of versions 4 to 8 are recordings of, until it
// is interrupted: H.264 with reordered frames and Opus, and H.265. make.sh builds it within the
// commit that makes such a store.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := play(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func play(ctx context.Context) error {
	audio, err := testcamera.EncodeAudio(ctx, testcamera.Opus, 0, 30)
	if err != nil {
		return err
	}
	for _, stream := range []struct {
		address string
		params  testcamera.Params
		audio   *testcamera.Audio
	}{
		{"127.0.0.1:28554", testcamera.Params{Width: 160, Height: 96, FPS: 10, BitrateKbps: 60, BFrames: 2}, audio},
		{"127.0.0.1:28555", testcamera.Params{Codec: testcamera.H265, Width: 128, Height: 64, FPS: 5, BitrateKbps: 20}, nil},
	} {
		media, err := testcamera.Encode(ctx, stream.params, 600)
		if err != nil {
			return err
		}
		camera, err := testcamera.Start(testcamera.Config{
			Source: media, Audio: stream.audio, Reports: true, Address: stream.address, KeepSent: 1,
		})
		if err != nil {
			return err
		}
		defer camera.Close()
	}
	fmt.Println("playing")
	<-ctx.Done()
	return nil
}
