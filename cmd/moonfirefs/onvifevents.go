// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events"
	"github.com/moonfirefs/moonfirefs/events/pullpoint"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

const (
	// allCameras stands for each camera that has an address.
	allCameras = "all"
	// onvifPort is where cameras have their device service unless it is said.
	onvifPort = "80"
	// onvifDevicePath is where it is (ONVIF Core Specification).
	onvifDevicePath = "/onvif/device_service"
)

// onvifFlags say which cameras are asked for events.
type onvifFlags struct{ cameras []string }

func (f *onvifFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.cameras, "onvif-events", nil, "take events from these cameras themselves, by ONVIF: CAMERA, CAMERA=PORT if it is not asked at port 80, or \"all\"")
}

// start asks the cameras until what it returns is closed. The error wraps
// moonfirefs.ErrNotFound or moonfirefs.ErrInvalid if one cannot be meant.
func (f *onvifFlags) start(ctx context.Context, s *store.Store, d *events.Database, log *slog.Logger) (io.Closer, error) {
	ports, err := f.ports(ctx, s)
	if err != nil {
		return nil, err
	}
	var all inTurn
	for name, port := range ports {
		where := func(ctx context.Context) (pullpoint.Camera, error) { return onvifCamera(ctx, s, name, port) }
		all = append(all, pullpoint.Start(name, where, d, log))
	}
	return all, nil
}

// ports are those of the cameras, by name.
func (f *onvifFlags) ports(ctx context.Context, s *store.Store) (map[string]string, error) {
	cameras, err := s.DB.Cameras(ctx)
	if err != nil {
		return nil, err
	}
	ports := make(map[string]string)
	if slices.Contains(f.cameras, allCameras) {
		for i := range cameras {
			if !cameras[i].Retired {
				ports[cameras[i].ShortName] = onvifPort
			}
		}
	}
	for _, text := range f.cameras {
		if text == allCameras {
			continue
		}
		name, port, given := strings.Cut(text, "=")
		if !given {
			port = onvifPort
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, &usageError{fmt.Errorf("--onvif-events %s: %q is not the number of a port", text, port)}
		}
		camera, err := curate.FindCamera(ctx, s.DB, name)
		if err != nil {
			return nil, err
		}
		ports[camera.ShortName] = port
	}
	return ports, nil
}

// onvifCamera says where a camera is now: on the host of its stream.
func onvifCamera(ctx context.Context, s *store.Store, name, port string) (c pullpoint.Camera, err error) {
	camera, err := curate.FindCamera(ctx, s.DB, name)
	if err != nil {
		return c, err
	}
	stream, err := url.Parse(camera.Streams[0].URL)
	if err != nil || stream.Hostname() == "" || camera.Retired {
		return c, moonfirefs.Errorf(moonfirefs.ErrNotFound, "camera %s has no address to ask at", name)
	}
	device := &url.URL{Scheme: "http", Host: net.JoinHostPort(stream.Hostname(), port), Path: onvifDevicePath}
	return pullpoint.Camera{UUID: camera.UUID, Name: camera.ShortName, Device: device, Username: camera.Username, Password: camera.Password}, nil
}
