// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/moonfirenvr"
)

func newImportCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Import the footage of another recorder",
		Args:  onlyCommands,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newImportMoonfireCommand(g))
	return cmd
}

// importFlags are the flags of import moonfire-nvr.
type importFlags struct {
	dryRun, copy, verify bool
	cache                string
	progress             progressFlag
}

func newImportMoonfireCommand(g *global) *cobra.Command {
	f := &importFlags{}
	cmd := &cobra.Command{
		Use:   "moonfire-nvr DB",
		Short: "Import the footage and the cameras of a Moonfire NVR",
		Long: `Imports the footage of the Moonfire NVR whose database is in the directory DB,
and its cameras with their addresses, credentials and quotas. Moonfire NVR may
keep running, and nothing of it is changed: its sample files get a second name in
the store (a hard link), which takes no space.

The command can be repeated. It continues where it was interrupted, imports what
is new, and skips what was imported before, even if that was deleted here since.
The cameras are not recorded until you say so (moonfirefs camera edit NAME
--record). After that, nothing more is imported for them.

The store's own recorder must be stopped. A hard link needs a sample directory of
the store on the same disk; with --copy, files are copied where there is none.

Exit status: 0 if everything was imported, 1 if something was left out.`,
		Example: `  moonfirefs import moonfire-nvr /var/lib/moonfire-nvr/db --dry-run
  moonfirefs import moonfire-nvr /var/lib/moonfire-nvr/db`,
		Args: asUsage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			mode := store.Recording
			if f.dryRun {
				mode = store.Reading
			}
			return g.withStore(cmd, mode, func(o *opened) error { return o.importMoonfire(f, args[0]) })
		},
	}
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be imported, and change nothing")
	cmd.Flags().BoolVar(&f.copy, "copy", false, "copy files that cannot be linked")
	cmd.Flags().BoolVar(&f.verify, "verify", false, "read all footage, and compare it with the digests that Moonfire NVR has")
	cmd.Flags().StringVar(&f.cache, "moonfire-cache", "", "a directory for a copy of its database (default: /var/cache/moonfirefs, or in ~/.cache)")
	f.progress.add(cmd)
	return cmd
}

func (o *opened) importMoonfire(f *importFlags, database string) (err error) {
	options := moonfirenvr.ImportOptions{
		Database: database, Cache: f.cache, Into: o.Store, DryRun: f.dryRun, Copy: f.copy, Verify: f.verify, Logger: o.log,
	}
	if options.Cache == "" {
		if options.Cache, err = cacheDir(); err != nil {
			return err
		}
	}
	shown := &firstContact{cmd: o.cmd, log: o.log, bars: f.progress.wanted(o.cmd)}
	options.Show = shown.show
	all, err := moonfirenvr.Import(o.cmd.Context(), options)
	shown.end()
	if printErr := o.printImported(all, f.dryRun); err == nil {
		err = printErr
	}
	if err == nil && slices.ContainsFunc(all, func(r moonfirenvr.StreamReport) bool { return r.Away || r.LeftOut > 0 }) {
		return &statusError{err: errors.New("not everything was imported"), status: exitFailure}
	}
	return err
}

// printImported prints what was taken over, stream by stream, and what to know about it.
func (o *opened) printImported(all []moonfirenvr.StreamReport, dryRun bool) error {
	if len(all) == 0 {
		return nil
	}
	t := newTable(o.cmd.OutOrStdout())
	t.row("STREAM", "RECORDINGS", "SIZE", "LEFT OUT", "IN THE STORE", "QUOTA")
	for i := range all {
		r := &all[i]
		t.row(r.Folder, r.Recordings, humanize.Bytes(uint64(r.SizeBytes)), r.LeftOut, humanize.Bytes(uint64(r.TotalBytes)), humanize.Bytes(uint64(r.RetainBytes)))
	}
	if err := t.flush(); err != nil {
		return err
	}
	for i := range all {
		for _, line := range remarks(&all[i], dryRun) {
			if err := o.printf("%s", line); err != nil {
				return err
			}
		}
	}
	if dryRun {
		return o.printf("Nothing was changed.")
	}
	return nil
}

// remarks are what to know about a stream.
func remarks(r *moonfirenvr.StreamReport, dryRun bool) (lines []string) {
	add := func(format string, args ...any) {
		lines = append(lines, printable.Text(r.Folder)+": "+fmt.Sprintf(format, args...))
	}
	if r.Away {
		add("its sample directory is not available; repeat the command once it is")
	}
	if r.Own > 0 {
		add("%s not imported, since the store records this camera itself", counted(r.Own, "recording"))
	}
	if r.New && r.RetainBytes > r.TheirRetainBytes {
		add("the quota of Moonfire NVR is %s; here it is %s, so that nothing is deleted at once",
			humanize.Bytes(uint64(r.TheirRetainBytes)), humanize.Bytes(uint64(r.RetainBytes)))
	}
	total := r.TotalBytes
	if dryRun {
		total += r.SizeBytes
	}
	if total > r.RetainBytes {
		add("it has %s more than its quota, which the recorder will delete (raise the quota with: moonfirefs camera edit)", humanize.Bytes(uint64(total-r.RetainBytes)))
	}
	return lines
}
