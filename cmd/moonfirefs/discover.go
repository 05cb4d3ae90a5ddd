// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/discovery"
	"github.com/moonfirefs/moonfirefs/internal/printable"
)

func newCameraDiscoverCommand() *cobra.Command {
	f := &cameraFlags{}
	var o discovery.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "discover",
		Short: "Find cameras on the local network",
		Long: `Searches the local network for ONVIF cameras for a few seconds and lists the stream
addresses that they reveal. Most cameras require a user name and a password; those
given are sent, as a digest, to every device that answers.

On many cameras ONVIF is off by default, and some need a separate ONVIF user.`,
		Example: `  moonfirefs camera discover
  moonfirefs camera discover --interface eth1 --username admin`,
		Args: asUsage(noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error {
			as := &moonfirefs.Camera{ShortName: "any", Username: f.username}
			if err := f.addPassword(cmd, as); err != nil {
				return err
			}
			o.Username, o.Password = as.Username, as.Password
			_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "Searching for cameras …")
			cameras, err := discovery.Find(cmd.Context(), o)
			if err != nil {
				return err
			}
			return printCameras(cmd.OutOrStdout(), cameras, asJSON)
		},
	}
	f.addCredentials(cmd)
	cmd.Flags().StringVar(&o.Interface, "interface", "", "network interface to search (default: all)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

var errNoCameras = errors.New("no camera answered (ONVIF may be turned off, or the cameras may be on another network)")

func printCameras(out io.Writer, cameras []discovery.Camera, asJSON bool) error {
	if asJSON {
		if cameras == nil {
			cameras = []discovery.Camera{}
		}
		return printJSON(out, cameras, cameraIndent)
	}
	if len(cameras) == 0 {
		return errNoCameras
	}
	var b strings.Builder
	for _, c := range cameras {
		fmt.Fprintln(&b, printable.Text(c.Address+"  "+strings.TrimSpace(c.Name+" "+c.Model)))
		if c.Error != "" {
			fmt.Fprintln(&b, "  "+printable.Text(c.Error))
		}
		for _, s := range c.Streams {
			fmt.Fprintln(&b, "  "+printable.Text(fmt.Sprintf("%s  (%s, %s, %d×%d)", s.URL, s.Profile, s.Codec, s.Width, s.Height)))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}
