package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfire/internal/store"
)

func newInitCommand(g *global) *cobra.Command {
	var samples, timeZone string
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a new, empty store",
		Long: `Makes a new, empty store: a directory with the index and, unless --samples says
otherwise, the footage.

Put the index on an SSD if there is one: it is small and often written. Put the
footage (--samples) on the large disk. The time zone decides which footage is in
which hour's file, so it is a property of the store and not of the machine.`,
		Example: `  moonfirefs init --store /var/lib/moonfirefs --samples /media/footage/samples`,
		Args:    asUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := store.Create(cmd.Context(), g.store, samples, timeZone); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "Made a store in %s, time zone %s.\nNext: moonfirefs camera add --store %s NAME rtsp://…\n",
				g.store, timeZone, g.store)
			return err
		},
	}
	cmd.Flags().StringVar(&samples, "samples", "", "directory for the footage (default: within the store)")
	cmd.Flags().StringVar(&timeZone, "time-zone", machineZone(), "IANA name of the zone whose hours the files are")
	return cmd
}

// machineZone is the IANA name of the zone that the machine is set to, or UTC if
// that cannot be told.
func machineZone() string {
	const zoneinfo = "/zoneinfo/"
	candidates := []string{strings.TrimPrefix(os.Getenv("TZ"), ":")}
	if target, err := os.Readlink("/etc/localtime"); err == nil {
		if i := strings.LastIndex(target, zoneinfo); i >= 0 {
			candidates = append(candidates, target[i+len(zoneinfo):])
		}
	}
	if name, err := os.ReadFile("/etc/timezone"); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(name)))
	}
	for _, name := range candidates {
		if _, err := store.LoadZone(name); err == nil {
			return name
		}
	}
	return time.UTC.String()
}
