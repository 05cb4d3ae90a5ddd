// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/proof/notary"
)

// initFlags are the flags of init, besides --store.
type initFlags struct {
	samples, timeZone string
	withoutProof      bool
}

func newInitCommand(g *global) *cobra.Command {
	f := &initFlags{}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Create an empty store",
		Long: `Creates an empty store: a directory for the index and, unless --samples names another
one, for the footage. On a terminal, it asks for settings that are not given.

Put the index on an SSD if you have one: it is small and written often. Put the
footage (--samples) on the large disk. The time zone determines which hour's file
footage belongs to, so it is a property of the store, not of the machine.`,
		Example: `  moonfirefs init
  moonfirefs init --store /var/lib/moonfirefs --samples /media/footage/samples`,
		Args: asUsage(noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.init(cmd, g) },
	}
	cmd.Flags().StringVar(&f.samples, "samples", "", "directory for the footage (default: inside the store)")
	cmd.Flags().StringVar(&f.timeZone, "time-zone", machineZone(), "IANA time zone for dates and hours")
	cmd.Flags().BoolVar(&f.withoutProof, "no-proof", false, "make no key: footage is not signed")
	return cmd
}

func (f *initFlags) init(cmd *cobra.Command, g *global) error {
	if isTerminal(cmd.InOrStdin()) && isTerminal(cmd.ErrOrStderr()) {
		if err := f.ask(cmd, g); err != nil {
			return err
		}
	}
	if isAddress(f.samples) {
		return &usageError{errors.New("--samples is a directory of this machine, and not an address")}
	}
	key := &newKey{folder: notary.FolderOf(g.store)}
	var part store.Part = key
	if f.withoutProof {
		part = nil
	}
	if err := store.CreateWith(cmd.Context(), g.store, f.samples, f.timeZone, part); err != nil {
		return err
	}
	if err := printLine(cmd, "Created a store in %s, time zone %s.", g.store, f.timeZone); err != nil {
		return err
	}
	return g.withStore(cmd, store.Reading, func(o *opened) error {
		if !f.withoutProof {
			if err := o.showKey(key.public); err != nil {
				return err
			}
		}
		if err := o.explainRetention(); err != nil {
			return err
		}
		return o.printf("Next: moonfirefs camera add --store %s NAME rtsp://… --retain SIZE", g.store)
	})
}

// ask asks for what was not given. An empty answer is the default.
func (f *initFlags) ask(cmd *cobra.Command, g *global) error {
	in := bufio.NewReader(cmd.InOrStdin())
	for _, question := range []struct {
		flag, text, without string
		answer              *string
	}{
		{"store", "Directory for the index (small; on an SSD if you have one)", g.store, &g.store},
		{"samples", "Directory for the footage (on the large disk)", "inside the store", &f.samples},
		{"time-zone", "Time zone for dates and hours", f.timeZone, &f.timeZone},
	} {
		if cmd.Flags().Changed(question.flag) {
			continue
		}
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s [%s]: ", question.text, question.without)
		line, err := awaitAnswer(cmd.Context(), func() (string, error) { return in.ReadString('\n') })
		if err != nil {
			return fmt.Errorf("ask for --%s: %w", question.flag, err)
		}
		if line = strings.TrimSpace(line); line != "" {
			*question.answer = line
		}
	}
	return nil
}

// explainRetention says how far the disks go, so that quotas can be chosen.
func (o *opened) explainRetention() error {
	for _, dir := range o.Dirs {
		if dir.Remote() {
			continue
		}
		space, err := dir.Space()
		if err != nil {
			return err
		}
		free := space.AvailableBytes()
		if err := o.printf("\nThere is room for %s of footage. A camera's quota (--retain) limits how much of it the\n"+
			"camera may use; when the quota is used up, the oldest footage is deleted. All of it would hold:\n", humanize.Bytes(uint64(free))); err != nil {
			return err
		}
		for _, mbits := range usualMbits {
			if err := o.printf("  %2.0f Mbit/s: %7s a day, %9s of one camera, %9s of four", mbits,
				humanize.Bytes(uint64(bytesPerDay(mbits))), keepsText(free, mbits), keepsText(free/4, mbits)); err != nil {
				return err
			}
		}
	}
	return o.printf("\nLeave a tenth of the disk free. The camera's settings, or moonfirefs camera test, show its\nbit rate: 1 Mbit/s is usual for a sub stream, 4 for 1080p, 8 for 4K.\n")
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
