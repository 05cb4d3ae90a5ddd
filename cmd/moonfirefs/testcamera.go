// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/internal/monitor"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

func newTestCameraCommand(g *global) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:         "test-camera",
		Annotations: serves,
		Short:       "Run a simulated camera",
		Long: `Runs a simulated camera until interrupted: an RTSP server whose moving picture shows a
counter. Add it like any other camera. It needs ffmpeg to encode the video.`,
		Example: `  moonfirefs test-camera &
  moonfirefs camera add garden rtsp://127.0.0.1:8554/stream --retain 1GB`,
		Args: asUsage(noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := g.logger(cmd)
			if err != nil {
				return err
			}
			camera, err := newTestCamera(listen)
			if err != nil {
				return err
			}
			defer closing(log, camera)
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "A simulated camera plays at %s\n", camera.URL()); err != nil {
				return err
			}
			monitor.TellReady(log) // whoever has systemd start it can wait until it plays
			<-cmd.Context().Done()
			return nil
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8554", "address and port; with any address but 127.0.0.1, other machines can watch")
	return cmd
}

// testAudioSeconds is how long the audio of that camera is, which is repeated.
const testAudioSeconds = 30

// newTestCamera starts a camera at an address; "" means a free port of 127.0.0.1.
func newTestCamera(address string) (*testcamera.Camera, error) {
	live, err := testcamera.NewLive(testcamera.Params{Width: 640, Height: 360, FPS: 15, GOP: 15, BitrateKbps: 600})
	if err != nil {
		return nil, err
	}
	audio, err := testcamera.EncodeAudio(context.Background(), testcamera.AAC, 0, testAudioSeconds)
	if err != nil {
		return nil, err
	}
	return testcamera.Start(testcamera.Config{Source: live, Audio: audio, Address: address, KeepSent: 1})
}
